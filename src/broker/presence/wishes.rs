//! What one may say to the broker of presence, and what it does then.

use super::{State, Ties};
use crate::{
    broker::{NotificationBroker, Refusal},
    identity::Identity,
    ids::UserId,
    notice::ConnectionId,
    payload_of,
};
use actix::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

/// Whether a user is there: what is answered and told (CONTRACT 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresenceOf {
    /// Who.
    pub user_id: UserId,
    /// Whether, and how often.
    #[serde(flatten)]
    pub state: State,
}

/// The payload of `presence`. The last notice about a user whom one may watch no more says the same
/// whatever is true.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PresenceTold {
    #[serde(flatten)]
    of: PresenceOf,
    /// Only in that last one: there will be no more about this user.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    ended: bool,
}

payload_of! { Presence: PresenceTold }

impl PresenceTold {
    /// About this user; without a state: the last one.
    pub(super) fn about(user_id: UserId, state: Option<State>) -> Self {
        let nothing = State { online: false, connections: 0 };
        Self { of: PresenceOf { user_id, state: state.unwrap_or(nothing) }, ended: state.is_none() }
    }

    /// JSON text.
    pub(super) fn text(&self) -> String {
        // Text, numbers and booleans always encode.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Watches users from now on, all or none; answers how things are. Nothing is told of them before
/// [`StartTelling`], so that what is told follows the answer on the wire.
#[derive(Message)]
#[rtype(result = "Result<Vec<PresenceOf>, Refusal>")]
pub struct Watch {
    /// Which connection.
    pub connection: ConnectionId,
    /// Whom; at most [`USERS_MAX`](super::USERS_MAX).
    pub users: Vec<UserId>,
    /// What the database says that they share.
    pub ties: Ties,
}

/// The answer to [`Watch`] is on its way to the client, in front of what is sent from now on.
#[derive(Message)]
#[rtype(result = "()")]
pub struct StartTelling {
    /// Which connection.
    pub connection: ConnectionId,
}

/// Watches users no more; whoever was not watched is no fault.
#[derive(Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct Unwatch {
    /// Which connection.
    pub connection: ConnectionId,
    /// Whom; `None`: all.
    pub users: Option<Vec<UserId>>,
}

/// How things are with these users, in the order given, all or none.
#[derive(Message)]
#[rtype(result = "Result<Vec<PresenceOf>, Refusal>")]
pub struct ReadPresence {
    /// Whom.
    pub users: Vec<UserId>,
    /// Who asks, and what the database says that they share; `None` for whoever may know of anybody.
    pub by: Option<(Identity, Ties)>,
}

impl Handler<Watch> for NotificationBroker {
    type Result = Result<Vec<PresenceOf>, Refusal>;
    fn handle(&mut self, Watch { connection, users, ties }: Watch, _: &mut Self::Context) -> Self::Result {
        let slot = self.find(&connection)?;
        self.dispatch.watch(slot, &users, ties)
    }
}

impl Handler<StartTelling> for NotificationBroker {
    type Result = ();
    fn handle(&mut self, StartTelling { connection }: StartTelling, ctx: &mut Self::Context) {
        if let Ok(slot) = self.find(&connection) {
            self.dispatch.start_telling(slot);
        }
        self.carry_out(ctx);
    }
}

impl Handler<Unwatch> for NotificationBroker {
    type Result = Result<(), Refusal>;
    fn handle(&mut self, Unwatch { connection, users }: Unwatch, _: &mut Self::Context) -> Self::Result {
        let slot = self.find(&connection)?;
        self.dispatch.people.unwatch(slot, users.as_deref());
        Ok(())
    }
}

impl Handler<ReadPresence> for NotificationBroker {
    type Result = Result<Vec<PresenceOf>, Refusal>;
    fn handle(&mut self, ReadPresence { users, by }: ReadPresence, _: &mut Self::Context) -> Self::Result {
        self.dispatch.presence_of(&users, by.as_ref().map(|(identity, ties)| (identity, ties)))
    }
}
