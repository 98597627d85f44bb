//! What a user's memberships say, for a connection that begins.

use crate::{
    broker::Standing,
    error::Result,
    ids::{GroupId, UserId},
    notice::Seq,
    sql,
    store::{
        Conn, Store,
        schema::{event_group_members, sequence},
    },
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// The groups that the user is a member of.
///
/// # Errors
/// 503 when the database is away.
pub async fn groups_of(conn: &mut Conn, user: UserId) -> Result<Vec<GroupId>> {
    Ok(sql!(conn, |c| event_group_members::table
        .filter(event_group_members::user_id.eq(user))
        .select(event_group_members::group_id)
        .load(c)
        .await)?)
}

/// Reads standings; what transports hold instead of the database.
#[derive(Clone)]
pub struct Standings(Store);

impl Standings {
    /// Over this database.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self(store)
    }

    /// The newest place in the order. To be read before anything that a standing is made of, the
    /// caller's roles included: what changes after it is applied again as it comes by, which is
    /// harmless; what changed before something older was read would be missed for good.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn newest(&self) -> Result<Seq> {
        let mut conn = self.0.lookup().await?;
        Ok(Seq(sql!(&mut conn, |c| sequence::table.select(sequence::newest).first(c).await)?))
    }

    /// The user's standing, as of a place that was [`newest`](Self::newest) before.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn of(&self, user: UserId, as_of: Seq) -> Result<Standing> {
        let groups = groups_of(&mut self.0.lookup().await?, user).await?;
        Ok(Standing { as_of, groups })
    }
}
