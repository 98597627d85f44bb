//! What Herald sends: each event with its payload, whether it is stored, and who hears it.

use super::{
    Sent,
    schemas::{plain, schema, with_seq},
};
use crate::{
    admin::announcements::{Announcement, Maintenance},
    broker::{AuthExpiring, Ready, presence::PresenceTold},
    delivery::inbox::{NewNotification, NotificationRead, PendingNotifications},
    jobs::upload::IncomingData,
    notice::{EventName, Payload},
    records::{
        Gone, Whole, departments::Department, event_groups::EventGroup, events::Event, jobs::Job, market, users::User,
    },
    transport::ChatTyping,
};
use schemars::SchemaGenerator;
use serde_json::{Value, json};

const USER: &[&str] = &["user-{id}"];
/// As the record says; `all` and `admin` among them.
const AUDIENCE: &[&str] = &["the record's audience"];
const BOTH: &[&str] = &["user-{buyer}", "user-{seller}"];
const SELLER: &[&str] = &["user-{seller}"];

/// All of them, aliases behind their events, in the order of [`EventName::OWN`].
pub(super) fn all(of: &mut SchemaGenerator) -> Vec<Sent> {
    let mut all = Vec::new();
    for name in EventName::OWN {
        let Ok(event) = name.parse::<EventName>();
        let Some(Said { payload, stored, rooms }) = said(&event, of) else { continue };
        let confirmed = matches!(event, EventName::NewNotification | EventName::PendingNotifications);
        let sent = |event, alias_of, summary| {
            let payload = payload.clone();
            Sent { event, alias_of, summary, payload, stored, rooms, confirmed }
        };
        all.push(sent(name, None, plain(event.summary())));
        for alias in event.aliases() {
            let summary = format!("The same as `{name}`, which it follows directly, with the same `seq`.");
            all.push(sent(alias, Some(name), summary));
        }
    }
    all
}

struct Said {
    payload: Value,
    stored: bool,
    rooms: &'static [&'static str],
}

fn said(event: &EventName, of: &mut SchemaGenerator) -> Option<Said> {
    use EventName as E;
    Some(match event {
        E::Ready => to_one::<Ready<'_>>(event, of),
        E::AuthExpiring => to_one::<AuthExpiring>(event, of),
        E::PendingNotifications => to_one::<PendingNotifications<'_>>(event, of),
        E::NewRecord | E::ChangedRecord => stored(records(of), AUDIENCE),
        E::DeletedRecord => stored(gone(of), AUDIENCE),
        E::NewNotification => told::<NewNotification<'_>>(event, of, USER),
        E::NotificationRead => live(payload::<NotificationRead>(event, of), USER),
        E::IncomingData => told::<IncomingData<'_>>(event, of, USER),
        E::RequestCreated => told::<market::PurchaseRequest>(event, of, &["sellers"]),
        E::RequestStatusUpdated => told::<market::RequestStatusUpdated>(event, of, &["request-{id}"]),
        E::RequestOfferReceived => {
            told::<market::RequestOfferReceived<'_>>(event, of, &["user-{buyer}", "request-{id}"])
        }
        E::OfferNegotiationUpdate => {
            told::<market::OfferNegotiationUpdate<'_>>(event, of, &["request-{id}", "user-{buyer}", "user-{seller}"])
        }
        E::OfferAccepted => {
            told::<market::OfferAccepted>(event, of, &["seller-{seller}", "user-{seller}", "user-{buyer}"])
        }
        E::ChatNewMessage => told::<market::Message>(event, of, &["chat-{id}", "user-{buyer}", "user-{seller}"]),
        E::ChatMessageRead => told::<market::ChatMessageRead>(event, of, &["chat-{id}"]),
        E::ChatTyping | E::ChatStoppedTyping => live(schema::<ChatTyping>(of), &["chat-{id}"]),
        E::PaymentCreated => told::<market::Payment>(event, of, BOTH),
        E::PaymentStatusUpdated => told::<market::PaymentStatusUpdated<'_>>(event, of, BOTH),
        E::PaymentCompleted => told::<market::PaymentCompleted>(event, of, BOTH),
        E::PayoutCreated => told::<market::Payout>(event, of, SELLER),
        E::PayoutCompleted => told::<market::PayoutCompleted<'_>>(event, of, SELLER),
        E::DisputeOpened => {
            told::<market::Dispute>(event, of, &["request-{id}", "admin", "user-{buyer}", "user-{seller}"])
        }
        E::DisputeEvidenceAdded => told::<market::DisputeEvidenceAdded<'_>>(event, of, &["request-{id}"]),
        E::DisputeResolved => {
            told::<market::DisputeResolved<'_>>(event, of, &["request-{id}", "user-{buyer}", "user-{seller}"])
        }
        E::Presence => to_one::<PresenceTold>(event, of),
        E::SystemAnnouncement => told::<Announcement>(event, of, &["all"]),
        E::SystemMaintenance => told::<Maintenance>(event, of, &["all"]),
        // An effect that nobody hears, and what other back ends say.
        E::Silent | E::Published(_) => return None,
    })
}

/// The schema of the payload that belongs to this event.
fn payload<P: Payload>(event: &EventName, of: &mut SchemaGenerator) -> Value {
    debug_assert_eq!(P::EVENT, *event, "the payload of another event");
    schema::<P>(of)
}

fn told<P: Payload>(event: &EventName, of: &mut SchemaGenerator, rooms: &'static [&'static str]) -> Said {
    stored(payload::<P>(event, of), rooms)
}

fn to_one<P: Payload>(event: &EventName, of: &mut SchemaGenerator) -> Said {
    live(payload::<P>(event, of), &[])
}

fn stored(payload: Value, rooms: &'static [&'static str]) -> Said {
    Said { payload: with_seq(payload), stored: true, rooms }
}

fn live(payload: Value, rooms: &'static [&'static str]) -> Said {
    Said { payload, stored: false, rooms }
}

/// A record of any kind, told apart by `type`.
fn records(of: &mut SchemaGenerator) -> Value {
    json!({ "oneOf": [
        schema::<Whole<'_, Event>>(of),
        schema::<Whole<'_, Job>>(of),
        schema::<Whole<'_, Department>>(of),
        schema::<Whole<'_, EventGroup>>(of),
        schema::<Whole<'_, User>>(of),
    ] })
}

/// The same of what is gone.
fn gone(of: &mut SchemaGenerator) -> Value {
    json!({ "oneOf": [
        schema::<Gone<Event>>(of),
        schema::<Gone<Job>>(of),
        schema::<Gone<Department>>(of),
        schema::<Gone<EventGroup>>(of),
        schema::<Gone<User>>(of),
    ] })
}
