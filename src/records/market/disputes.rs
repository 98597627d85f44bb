//! Disputes: a party of a request does not agree; both say why; an administrator decides.

use super::{Document, TEXT_MAX, desk::Desk, find, id_of, kept_in, list, list_of, requests::PurchaseRequest, seen};
use crate::{
    auth::Caller,
    body::Body,
    delivery::outbox::Tx,
    error::{Error, Result},
    identity::Identity,
    ids::{DisputeId, EvidenceId, RequestId, UserId},
    notice::{Audience, EventName, Room},
    records::{Faults, Listing},
    sql,
    store::{
        Conn, Store,
        schema::{dispute_evidence, disputes},
    },
    text_enum,
    time::Time,
};
use actix_web::{HttpRequest, HttpResponse, web};
use diesel::{prelude::*, sql_types::Bool};
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Most pieces of evidence in a dispute: somebody has to read them.
const EVIDENCE_MAX: i64 = 200;

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
#[derive(Debug, Clone, PartialEq, Serialize, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = disputes, treat_none_as_null = true)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dispute {
    pub(super) id: DisputeId,
    request_id: RequestId,
    pub(super) buyer_id: UserId,
    pub(super) seller_id: UserId,
    opened_by: UserId,
    reason: String,
    pub(super) status: Status,
    resolution: Option<String>,
    created_at: Time,
    updated_at: Time,
}

/// Something said in a dispute.
#[derive(Debug, Clone, PartialEq, Serialize, Queryable, Selectable, Insertable)]
#[diesel(table_name = dispute_evidence)]
#[serde(rename_all = "camelCase")]
pub(super) struct Evidence {
    id: EvidenceId,
    dispute_id: DisputeId,
    user_id: UserId,
    text: String,
    created_at: Time,
}

/// What makes one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Draft {
    pub(super) request_id: RequestId,
    pub(super) reason: String,
}

/// What somebody has to say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Statement {
    pub(super) text: String,
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
        .service(web::resource("/disputes/{id}/evidence").get(evidence).post(state))
        .service(web::resource("/disputes/{id}/resolve").put(resolve));
}

async fn open(desk: Desk, draft: Body<Draft>) -> Result<HttpResponse> {
    desk.create(async move |tx, by| Dispute::open(tx, by, draft.0).await).await
}

async fn state(desk: Desk, id: web::Path<String>, statement: Body<Statement>) -> Result<HttpResponse> {
    let id = id_of(&id)?;
    desk.create(async move |tx, by| Evidence::state(tx, by, id, statement.0).await).await
}

async fn resolve(desk: Desk, id: web::Path<String>, verdict: Body<Verdict>) -> Result<HttpResponse> {
    let id = id_of(&id)?;
    desk.change(async move |tx, by| Dispute::resolve(tx, by, id, verdict.0).await).await
}

async fn evidence(
    request: HttpRequest,
    caller: Caller,
    id: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id: DisputeId = id_of(&id)?;
    let read = async |conn: &mut Conn, listing: &Listing| {
        seen::<Dispute>(conn, &caller, id).await?;
        Ok(sql!(conn, |c| dispute_evidence::table
            .filter(dispute_evidence::dispute_id.eq(id).and(dispute_evidence::id.gt(&listing.after)))
            .order(dispute_evidence::id)
            .limit(listing.limit)
            .select(Evidence::as_select())
            .load(c)
            .await)?)
    };
    list_of(&request, &store, |evidence: &Evidence| evidence.id.to_string(), read).await
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
        tx.tell(EventName::DisputeOpened, &dispute, Audience::to(rooms))?;
        Ok(dispute)
    }

    /// Decided, told to both sides.
    pub(super) async fn resolve(tx: &mut Tx, by: &Identity, id: DisputeId, verdict: Verdict) -> Result<Self> {
        let before: Self = seen(&mut tx.conn, by, id).await?;
        let after = before.clone().resolved(verdict.resolution, by, tx.now())?;
        after.store(&mut tx.conn, before.status).await?;
        let payload = json!({ "disputeId": id, "resolution": after.resolution });
        let rooms = [Room::Request(after.request_id), Room::User(after.buyer_id), Room::User(after.seller_id)];
        tx.tell(EventName::DisputeResolved, &payload, Audience::to(rooms))?;
        Ok(after)
    }

    /// `another` says whether one is open for the request.
    ///
    /// # Errors
    /// 403 for who is no party, 409 when there is nobody to dispute with or one is open, 422.
    fn create(reason: String, request: &PurchaseRequest, another: bool, by: &Identity, now: Time) -> Result<Self> {
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
    fn resolved(self, resolution: String, by: &Identity, now: Time) -> Result<Self> {
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
        let count: i64 = sql!(conn, |c| disputes::table.filter(open).count().get_result(c).await)?;
        Ok(count > 0)
    }

    kept_in!(disputes, DisputeId, Status);
}

impl Document for Dispute {
    type Id = DisputeId;

    fn id(&self) -> DisputeId {
        self.id
    }

    async fn find(conn: &mut Conn, id: DisputeId) -> QueryResult<Self> {
        sql!(conn, |c| disputes::table.find(id).select(Self::as_select()).first(c).await)
    }

    async fn is_seen_by(&self, _: &mut Conn, by: &Identity) -> QueryResult<bool> {
        Ok(by.is_admin() || by.user == self.buyer_id || by.user == self.seller_id)
    }

    async fn list(conn: &mut Conn, by: &Identity, listing: &Listing) -> QueryResult<Vec<Self>> {
        let every = by.is_admin().into_sql::<Bool>();
        let visible = every.or(disputes::buyer_id.eq(by.user)).or(disputes::seller_id.eq(by.user));
        sql!(conn, |c| disputes::table
            .filter(disputes::id.gt(&listing.after))
            .filter(visible)
            .order(disputes::id)
            .limit(listing.limit)
            .select(Self::as_select())
            .load(c)
            .await)
    }
}

impl Evidence {
    /// Something new, told to those who follow the request.
    pub(super) async fn state(tx: &mut Tx, by: &Identity, id: DisputeId, statement: Statement) -> Result<Self> {
        let dispute: Dispute = seen(&mut tx.conn, by, id).await?;
        let known = dispute_evidence::table.filter(dispute_evidence::dispute_id.eq(id)).count();
        let known: i64 = sql!(&mut tx.conn, |c| known.get_result(c).await)?;
        let evidence = Self::create(statement, &dispute, known, by, tx.now())?;
        sql!(&mut tx.conn, |c| diesel::insert_into(dispute_evidence::table).values(&evidence).execute(c).await)?;
        let payload = json!({ "disputeId": id, "evidence": evidence });
        tx.tell(EventName::DisputeEvidenceAdded, &payload, Audience::to([Room::Request(dispute.request_id)]))?;
        Ok(evidence)
    }

    /// Of somebody who sees the dispute: its two sides and administrators; `known` pieces are there.
    ///
    /// # Errors
    /// 409 when it is decided or enough was said, 422.
    fn create(statement: Statement, dispute: &Dispute, known: i64, by: &Identity, now: Time) -> Result<Self> {
        let mut faults = Faults::default();
        faults.text("text", &statement.text, 1..=TEXT_MAX);
        faults.or(())?;
        if dispute.status != Status::Open {
            return Err(Error::Conflict("this dispute is resolved".into()));
        }
        if known >= EVIDENCE_MAX {
            return Err(Error::Conflict(format!("a dispute takes {EVIDENCE_MAX} pieces of evidence").into()));
        }
        let (id, dispute_id) = (EvidenceId::generate(), dispute.id);
        Ok(Self { id, dispute_id, user_id: by.user, text: statement.text, created_at: now })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::stage::*, *};
    use crate::ids::OfferId;

    fn dispute(buyer: &Identity, seller: &Identity) -> Dispute {
        let request = request(buyer).given_to(seller.user, OfferId::generate(), Time::now()).expect("open");
        Dispute::create("Broken".into(), &request, false, buyer, Time::now()).expect("a dispute")
    }

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
        let late = Evidence::create(Statement { text: "But".into() }, &resolved, 0, &bea, Time::now());
        assert!(matches!(late, Err(Error::Conflict(_))), "too late");
    }

    #[test]
    fn a_dispute_takes_so_much_evidence_and_no_more() {
        let (bea, sam) = (buyer(), seller());
        let dispute = dispute(&bea, &sam);
        let state = |known| Evidence::create(Statement { text: "See".into() }, &dispute, known, &sam, Time::now());
        assert!(state(EVIDENCE_MAX - 1).is_ok());
        assert!(matches!(state(EVIDENCE_MAX), Err(Error::Conflict(_))));
    }
}
