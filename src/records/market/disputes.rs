//! Disputes: a party of a request does not agree; both say why; an administrator decides.

use super::{
    TEXT_MAX, desk::Desk, find, has, id_of, kept_in, list, requests::PurchaseRequest, seen, seen_by_its_sides,
};
use crate::{
    body::Body,
    delivery::outbox::Tx,
    error::{Error, Result},
    identity::Identity,
    ids::{DisputeId, RequestId, UserId},
    notice::{Audience, Room},
    payload_of,
    records::Faults,
    store::{Conn, schema::disputes},
    text_enum,
    time::Time,
};
use actix_web::{HttpResponse, web};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

text_enum! {
    /// How far a dispute is.
    Status {
        /// Evidence is heard.
        Open = "OPEN",
        /// An administrator has decided.
        Resolved = "RESOLVED",
    }
}

/// A dispute.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = disputes, treat_none_as_null = true)]
#[serde(rename_all = "camelCase")]
pub struct Dispute {
    pub(super) id: DisputeId,
    pub(super) request_id: RequestId,
    pub(super) buyer_id: UserId,
    pub(super) seller_id: UserId,
    opened_by: UserId,
    reason: String,
    pub(super) status: Status,
    resolution: Option<String>,
    created_at: Time,
    updated_at: Time,
}

/// The payload of `dispute:resolved`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct DisputeResolved<'a> {
    dispute_id: DisputeId,
    resolution: &'a str,
}

payload_of! { DisputeOpened: Dispute, DisputeResolved: DisputeResolved<'_> }

/// What makes one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Draft {
    pub(super) request_id: RequestId,
    pub(super) reason: String,
}

/// What is decided.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Verdict {
    pub(super) resolution: String,
}

/// The routes of disputes.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/disputes").get(list::<Dispute>).post(open))
        .service(web::resource("/disputes/{id}").get(find::<Dispute>))
        .service(web::resource("/disputes/{id}/resolve").put(resolve));
}

async fn open(desk: Desk, draft: Body<Draft>) -> Result<HttpResponse> {
    desk.create(async move |tx, by| Dispute::open(tx, by, draft.0).await).await
}

async fn resolve(desk: Desk, id: web::Path<String>, verdict: Body<Verdict>) -> Result<HttpResponse> {
    let id = id_of(&id)?;
    desk.change(async move |tx, by| Dispute::resolve(tx, by, id, verdict.0).await).await
}

impl Dispute {
    /// A new one, told to both sides and to the administrators.
    pub(super) async fn open(tx: &mut Tx, by: &Identity, draft: Draft) -> Result<Self> {
        let request: PurchaseRequest = seen(&mut tx.conn, by, draft.request_id).await?;
        let another = Self::is_open_for(&mut tx.conn, request.id).await?;
        let dispute = Self::create(draft.reason, &request, another, by, tx.now())?;
        dispute.insert(&mut tx.conn).await?;
        let rooms =
            [Room::Request(request.id), Room::Admin, Room::User(dispute.buyer_id), Room::User(dispute.seller_id)];
        tx.tell_of(&dispute, Audience::to(rooms))?;
        Ok(dispute)
    }

    /// Decided, told to both sides.
    pub(super) async fn resolve(tx: &mut Tx, by: &Identity, id: DisputeId, verdict: Verdict) -> Result<Self> {
        let before: Self = seen(&mut tx.conn, by, id).await?;
        let after = before.clone().resolved(verdict.resolution.clone(), by, tx.now())?;
        after.store(&mut tx.conn, before.status).await?;
        let payload = DisputeResolved { dispute_id: id, resolution: &verdict.resolution };
        let rooms = [Room::Request(after.request_id), Room::User(after.buyer_id), Room::User(after.seller_id)];
        tx.tell_of(&payload, Audience::to(rooms))?;
        Ok(after)
    }

    /// `another` says whether one is open for the request.
    ///
    /// # Errors
    /// 403 for who is no party, 409 when there is nobody to dispute with or one is open, 422.
    pub(super) fn create(
        reason: String,
        request: &PurchaseRequest,
        another: bool,
        by: &Identity,
        now: Time,
    ) -> Result<Self> {
        if !request.is_party(by.user) {
            return Err(Error::forbidden("a dispute is opened by the buyer or the accepted seller"));
        }
        let mut faults = Faults::default();
        faults.text("reason", &reason, 1..=TEXT_MAX);
        faults.or(())?;
        let seller = request.seller_id.ok_or_else(|| Error::Conflict("no offer was accepted yet".into()))?;
        if another {
            return Err(Error::Conflict("there is an open dispute about this request".into()));
        }
        Ok(Self {
            id: DisputeId::generate(),
            request_id: request.id,
            buyer_id: request.buyer_id,
            seller_id: seller,
            opened_by: by.user,
            reason,
            status: Status::Open,
            resolution: None,
            created_at: now,
            updated_at: now,
        })
    }

    /// It, decided.
    ///
    /// # Errors
    /// 403 for anybody but administrators, 409 when it was decided before, 422.
    pub(super) fn resolved(self, resolution: String, by: &Identity, now: Time) -> Result<Self> {
        if !by.is_admin() {
            return Err(Error::forbidden("a dispute is resolved by an administrator"));
        }
        let mut faults = Faults::default();
        faults.text("resolution", &resolution, 1..=TEXT_MAX);
        faults.or(())?;
        if self.status != Status::Open {
            let (from, to) = (self.status.as_str(), Status::Resolved.as_str());
            return Err(Error::InvalidTransition { from, to });
        }
        Ok(Self { status: Status::Resolved, resolution: Some(resolution), updated_at: now, ..self })
    }

    async fn is_open_for(conn: &mut Conn, request: RequestId) -> QueryResult<bool> {
        let open = disputes::request_id.eq(request).and(disputes::status.eq(Status::Open));
        has!(conn, disputes, open)
    }

    kept_in!(disputes, DisputeId, Status);
}

seen_by_its_sides!(Dispute, DisputeId, disputes: buyer_id, seller_id);

#[cfg(test)]
mod tests {
    use super::{super::stage::*, *};
    use crate::ids::OfferId;

    #[test]
    fn a_dispute_is_opened_by_a_party_once_there_are_two() {
        let (bea, sam, eve, root) = (buyer(), seller(), seller(), admin());
        let open = request(&bea);
        let given = open.clone().given_to(sam.user, OfferId::generate(), Time::now()).expect("open");
        let dispute = |request: &PurchaseRequest, another, by: &Identity| {
            Dispute::create("Broken".into(), request, another, by, Time::now())
        };
        for party in [&bea, &sam] {
            assert_eq!(dispute(&given, false, party).expect("a dispute").opened_by, party.user);
            assert!(matches!(dispute(&given, true, party), Err(Error::Conflict(_))), "one at a time");
        }
        for other in [&eve, &root] {
            assert!(matches!(dispute(&given, false, other), Err(Error::Forbidden(_))));
        }
        assert!(matches!(dispute(&open, false, &bea), Err(Error::Conflict(_))), "with whom?");
        assert!(matches!(Dispute::create(String::new(), &given, false, &bea, Time::now()), Err(Error::Invalid(_))));
    }

    #[test]
    fn administrators_alone_decide_and_once() {
        let (bea, sam, root) = (buyer(), seller(), admin());
        for other in [&bea, &sam] {
            let outcome = dispute(&bea, &sam).resolved("Mine".into(), other, Time::now());
            assert!(matches!(outcome, Err(Error::Forbidden(_))));
        }
        let resolved = dispute(&bea, &sam).resolved("Half".into(), &root, Time::now()).expect("decided");
        assert_eq!((resolved.status, resolved.resolution.as_deref()), (Status::Resolved, Some("Half")));
        let again = resolved.clone().resolved("All".into(), &root, Time::now());
        assert!(matches!(again, Err(Error::InvalidTransition { from: "RESOLVED", .. })));
    }
}
