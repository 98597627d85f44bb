//! What a user's memberships say, for a connection that begins.

use crate::{
    broker::Standing,
    error::{Error, Result},
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

    /// The user's standing, as of the newest place in the order. To be read before anything else that is checked of
    /// the user, such as what the record says of a token's roles: what changes after this place is applied again as
    /// it comes by, which is harmless; what changed before something older was read would be missed for good.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn of(&self, user: UserId) -> Result<Standing> {
        let mut conn = self.0.lookup().await?;
        // One statement, so both are of one moment: a row for each group, or one without.
        let rows: Vec<(i64, Option<GroupId>)> = sql!(&mut conn, |c| sequence::table
            .left_join(event_group_members::table.on(event_group_members::user_id.eq(user)))
            .select((sequence::newest, event_group_members::group_id.nullable()))
            .load(c)
            .await)?;
        let [(newest, _), ..] = *rows.as_slice() else { return Err(Error::internal("the sequence has no row")) };
        Ok(Standing { as_of: Seq(newest), groups: rows.into_iter().filter_map(|(_, group)| group).collect() })
    }
}
