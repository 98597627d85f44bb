//! Who is connected, and what an administrator does about it (CONTRACT 9): what `fetchSockets`,
//! `socketsJoin`, `socketsLeave` and `disconnectSockets` do elsewhere, over all wires.

mod deeds;
mod list;
mod stats;

pub use stats::MountStats;

use crate::{
    auth::Caller,
    error::{Error, Result},
    notice::Seq,
    sql,
    store::{Conn, schema::sequence},
};
use actix_web::web;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// Adds the routes; to be mounted under `/v1`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/admin/connections").get(list::list))
        .service(web::resource("/admin/connections/join").post(deeds::join))
        .service(web::resource("/admin/connections/leave").post(deeds::leave))
        .service(web::resource("/admin/connections/disconnect").post(deeds::disconnect))
        .service(web::resource("/admin/stats").get(stats::stats));
}

fn allowed(caller: &Caller) -> Result<()> {
    if caller.is_admin() { Ok(()) } else { Err(Error::forbidden("this is done by administrators")) }
}

/// The newest stored notice.
async fn newest(conn: &mut Conn) -> Result<Seq> {
    let newest: i64 = sql!(conn, |c| sequence::table.select(sequence::newest).first(c).await)?;
    Ok(Seq(newest))
}
