//! Who belongs to a request or a chat of the marketplace: for those who ask to enter its room
//! (CONTRACT 4). Ids are never trusted.

use crate::{
    error::{Error, Result},
    identity::Identity,
    ids::UserId,
    notice::Room,
    sql,
    store::{
        Conn, Store,
        schema::{chats, purchase_requests},
    },
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// By what somebody may be in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// As a party of the thing itself; nothing ends that.
    Party,
    /// As an administrator, for as long as one is.
    Admin,
}

/// Reads parties; what transports hold instead of the database.
#[derive(Clone)]
pub struct Parties(Store);

impl Parties {
    /// Over this database.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self(store)
    }

    /// By what the user may enter the room of a request or a chat.
    ///
    /// # Errors
    /// 404 when there is no such request or chat, and for any other room; 403 when it is not theirs;
    /// 503 when the database is away.
    pub async fn ground(&self, by: &Identity, room: &Room) -> Result<Ground> {
        ground(&mut self.0.read().await?, by, room).await
    }
}

/// By what the user may enter the room of a request or a chat.
///
/// # Errors
/// As [`Parties::ground`].
pub async fn ground(conn: &mut Conn, by: &Identity, room: &Room) -> Result<Ground> {
    let me = Some(by.user);
    let (party, admin) = match room {
        Room::Request(id) => {
            let (buyer, seller): (UserId, Option<UserId>) = sql!(conn, |c| purchase_requests::table
                .find(id)
                .select((purchase_requests::buyer_id, purchase_requests::seller_id))
                .first(c)
                .await)?;
            (Some(buyer) == me || seller == me, by.is_admin())
        }
        Room::Chat(id) => {
            let (buyer, seller): (UserId, UserId) =
                sql!(conn, |c| chats::table.find(id).select((chats::buyer_id, chats::seller_id)).first(c).await)?;
            (by.user == buyer || by.user == seller, false)
        }
        _ => return Err(Error::NotFound),
    };
    match (party, admin) {
        (true, _) => Ok(Ground::Party),
        (false, true) => Ok(Ground::Admin),
        (false, false) => Err(Error::forbidden("this is somebody else's")),
    }
}
