//! What is said in a dispute.

use super::{
    TEXT_MAX,
    desk::Desk,
    disputes::{Dispute, Status},
    id_of, list_of, page, seen,
};
use crate::{
    auth::Caller,
    body::Body,
    delivery::outbox::Tx,
    error::{Error, Result},
    identity::Identity,
    ids::{DisputeId, EvidenceId, UserId},
    notice::{Audience, Room},
    payload_of,
    records::{Faults, Listing},
    sql,
    store::{Conn, Store, schema::dispute_evidence},
    time::Time,
};
use actix_web::{HttpRequest, HttpResponse, web};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most pieces of evidence in a dispute: somebody has to read them.
const EVIDENCE_MAX: i64 = 200;

/// Something said in a dispute.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema, Queryable, Selectable, Insertable)]
#[diesel(table_name = dispute_evidence)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    id: EvidenceId,
    dispute_id: DisputeId,
    user_id: UserId,
    text: String,
    created_at: Time,
}

/// The payload of `dispute:evidence-added`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct DisputeEvidenceAdded<'a> {
    dispute_id: DisputeId,
    evidence: &'a Evidence,
}

payload_of! { DisputeEvidenceAdded: DisputeEvidenceAdded<'_> }

/// What somebody has to say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Statement {
    pub(super) text: String,
}

/// The routes of evidence.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/disputes/{id}/evidence").get(evidence).post(state));
}

async fn state(desk: Desk, id: web::Path<String>, statement: Body<Statement>) -> Result<HttpResponse> {
    let id = id_of(&id)?;
    desk.create(async move |tx, by| Evidence::state(tx, by, id, statement.0).await).await
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
        Ok(page!(conn, listing, Evidence in dispute_evidence, dispute_evidence::dispute_id.eq(id))?)
    };
    list_of(&request, &store, |evidence: &Evidence| evidence.id.to_string(), read).await
}

impl Evidence {
    /// Something new, told to those who follow the request.
    pub(super) async fn state(tx: &mut Tx, by: &Identity, id: DisputeId, statement: Statement) -> Result<Self> {
        let dispute: Dispute = seen(&mut tx.conn, by, id).await?;
        let known = dispute_evidence::table.filter(dispute_evidence::dispute_id.eq(id)).count();
        let known: i64 = sql!(&mut tx.conn, |c| known.get_result(c).await)?;
        let evidence = Self::create(statement, &dispute, known, by, tx.now())?;
        sql!(&mut tx.conn, |c| diesel::insert_into(dispute_evidence::table).values(&evidence).execute(c).await)?;
        let payload = DisputeEvidenceAdded { dispute_id: id, evidence: &evidence };
        tx.tell_of(&payload, Audience::to([Room::Request(dispute.request_id)]))?;
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

    #[test]
    fn a_dispute_takes_so_much_evidence_and_no_more() {
        let (bea, sam) = (buyer(), seller());
        let dispute = dispute(&bea, &sam);
        let state = |known| Evidence::create(Statement { text: "See".into() }, &dispute, known, &sam, Time::now());
        assert!(state(EVIDENCE_MAX - 1).is_ok());
        assert!(matches!(state(EVIDENCE_MAX), Err(Error::Conflict(_))));
    }

    #[test]
    fn nothing_is_said_in_a_dispute_that_is_decided() {
        let (bea, sam) = (buyer(), seller());
        let decided = dispute(&bea, &sam).resolved("Half".into(), &admin(), Time::now()).expect("decided");
        let late = Evidence::create(Statement { text: "But".into() }, &decided, 0, &bea, Time::now());
        assert!(matches!(late, Err(Error::Conflict(_))), "too late");
    }
}
