//! Tickets: one use, thirty seconds, for `/ws?ticket=` and `/v1/stream?ticket=`, where browsers
//! can't set headers (CONTRACT 2). An address ends up in logs; a used ticket there opens nothing.

use super::{
    random::{random_text, stored},
    token::Claims,
};
use crate::{
    delivery::outbox::Tx,
    error::Result,
    sql,
    store::{Json, schema::tickets},
    time::Time,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// How long a ticket lasts, in seconds.
pub const TICKET_SECONDS: i64 = 30;

/// Writes a ticket for whoever holds a token that says this.
pub(super) async fn write(tx: &mut Tx, claims: Claims) -> Result<String> {
    let ticket = random_text();
    let row = (
        tickets::hash.eq(stored(&ticket)),
        tickets::claims.eq(Json(claims)),
        tickets::expires_at.eq(tx.now().plus_seconds(TICKET_SECONDS)),
    );
    sql!(&mut tx.conn, |c| diesel::insert_into(tickets::table).values(row).execute(c).await)?;
    Ok(ticket)
}

/// Takes a ticket in: whoever deletes it has it, and there is only one who does.
pub(super) async fn take(tx: &mut Tx, ticket: &str) -> Result<Option<Claims>> {
    let taken: Option<(Json<Claims>, Time)> =
        sql!(&mut tx.conn, |c| diesel::delete(tickets::table.find(stored(ticket)))
            .returning((tickets::claims, tickets::expires_at))
            .get_result(c)
            .await
            .optional())?;
    Ok(taken.filter(|(_, expires_at)| *expires_at > tx.now()).map(|(claims, _)| claims.0))
}

/// Forgets tickets that nobody used in time.
pub(super) async fn sweep(tx: &mut Tx) -> Result<()> {
    let expired = tickets::table.filter(tickets::expires_at.lt(tx.now()));
    sql!(&mut tx.conn, |c| diesel::delete(expired).execute(c).await)?;
    Ok(())
}
