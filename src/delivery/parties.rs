//! Who belongs to a request or a chat of the marketplace: for those who ask to enter its room
//! (CONTRACT 4). Ids are never trusted.

use crate::{
    broker::{Grant, Ground},
    error::Result,
    ids::{ChatId, RequestId, UserId},
    notice::Room,
    sql,
    store::{
        Conn, Store,
        schema::{chats, purchase_requests},
    },
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// Reads parties; what transports hold instead of the database.
#[derive(Clone)]
pub struct Parties(pub(super) Store);

impl Parties {
    /// Over this database.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self(store)
    }

    /// By what the user may enter those of these rooms that are there and belong to their parties.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn grants(&self, user: UserId, rooms: &[Room]) -> Result<Vec<Grant>> {
        Ok(grants(&mut self.0.lookup().await?, user, rooms).await?)
    }
}

/// By what the user may enter those of these rooms that are there and belong to their parties: a
/// request's are its buyer, its accepted seller and administrators, a chat's its two people alone.
///
/// # Errors
/// When the database is away.
pub async fn grants(conn: &mut Conn, user: UserId, rooms: &[Room]) -> QueryResult<Vec<Grant>> {
    let mut grants = Vec::with_capacity(rooms.len());
    let requests: Vec<RequestId> =
        rooms.iter().filter_map(|room| if let Room::Request(id) = room { Some(*id) } else { None }).collect();
    if !requests.is_empty() {
        let found: Vec<(RequestId, UserId, Option<UserId>)> = sql!(conn, |c| purchase_requests::table
            .filter(purchase_requests::id.eq_any(&requests))
            .select((purchase_requests::id, purchase_requests::buyer_id, purchase_requests::seller_id))
            .load(c)
            .await)?;
        grants.extend(found.into_iter().map(|(id, buyer, seller)| {
            let party = buyer == user || seller == Some(user);
            Grant { room: Room::Request(id), ground: if party { Ground::Party } else { Ground::Admin } }
        }));
    }
    let talks: Vec<ChatId> =
        rooms.iter().filter_map(|room| if let Room::Chat(id) = room { Some(*id) } else { None }).collect();
    if !talks.is_empty() {
        let found: Vec<(ChatId, UserId, UserId)> = sql!(conn, |c| chats::table
            .filter(chats::id.eq_any(&talks))
            .select((chats::id, chats::buyer_id, chats::seller_id))
            .load(c)
            .await)?;
        grants.extend(found.into_iter().map(|(id, buyer, seller)| {
            let party = buyer == user || seller == user;
            Grant { room: Room::Chat(id), ground: if party { Ground::Party } else { Ground::Nothing } }
        }));
    }
    Ok(grants)
}
