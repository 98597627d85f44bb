//! What somebody shares with others, for those who ask whether they are online (CONTRACT 9): a bounded
//! number of questions, however many others there are.

use super::Parties;
use crate::{
    broker::presence::{TIES_MAX, Tie, Ties},
    error::Result,
    identity::{Role, Roles},
    ids::{GroupId, UserId},
    notice::Seq,
    sql,
    store::{
        Conn, Json,
        schema::{chats, deleted_users, event_group_members, purchase_requests, sequence, users},
    },
};
use diesel::{dsl::min, prelude::*};
use diesel_async::RunQueryDsl;
use std::collections::{HashMap, HashSet};

/// The roles whose room is one's own by right, offline too.
const ROLES: [Role; 2] = [Role::Seller, Role::Buyer];

impl Parties {
    /// What the user shares with these others: groups, roles that have a room, requests and chats. Who is
    /// disabled or deleted shares nothing with anybody.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn ties(&self, user: UserId, others: &[UserId]) -> Result<Ties> {
        read(&mut self.0.read().await?, user, others).await
    }
}

async fn read(conn: &mut Conn, user: UserId, others: &[UserId]) -> Result<Ties> {
    // The place first: what ends after it is heard of again, which is harmless (as with `Standing::as_of`).
    let as_of = Seq(sql!(conn, |c| sequence::table.select(sequence::newest).first(c).await)?);
    let mut all = others.to_vec();
    all.push(user);
    let gone: Vec<UserId> = sql!(conn, |c| deleted_users::table
        .filter(deleted_users::id.eq_any(&all))
        .select(deleted_users::id)
        .load(c)
        .await)?;
    let records: Vec<(UserId, Json<Roles>, bool)> = sql!(conn, |c| users::table
        .filter(users::id.eq_any(&all))
        .select((users::id, users::roles, users::disabled))
        .load(c)
        .await)?;
    let shut_out: HashSet<UserId> =
        gone.into_iter().chain(records.iter().filter(|(.., disabled)| *disabled).map(|(id, ..)| *id)).collect();
    let record = records.iter().find(|(id, ..)| *id == user).map(|(_, roles, _)| roles.0);
    let record = if shut_out.contains(&user) { Some(Roles::default()) } else { record };

    let mut of: HashMap<UserId, Vec<Tie>> = HashMap::new();
    for (other, roles, _) in &records {
        of.entry(*other).or_default().extend(ROLES.into_iter().filter(|role| roles.0.has(*role)).map(Tie::Role));
    }
    for other in parties(conn, user, others).await? {
        of.entry(other).or_default().push(Tie::Party);
    }
    for (other, group) in groups(conn, user, others).await? {
        let ties = of.entry(other).or_default();
        if ties.len() < TIES_MAX && !ties.contains(&Tie::Group(group)) {
            ties.push(Tie::Group(group));
        }
    }
    of.retain(|other, _| !shut_out.contains(other));
    if shut_out.contains(&user) {
        of.clear();
    }
    Ok(Ties { as_of, record, of })
}

/// Those with whom the user has a chat, or is a party of a request.
async fn parties(conn: &mut Conn, user: UserId, others: &[UserId]) -> Result<HashSet<UserId>> {
    let mut found: HashSet<UserId> = HashSet::new();
    let sellers: Vec<UserId> = sql!(conn, |c| chats::table
        .filter(chats::buyer_id.eq(user).and(chats::seller_id.eq_any(others)))
        .select(chats::seller_id)
        .distinct()
        .load(c)
        .await)?;
    let buyers: Vec<UserId> = sql!(conn, |c| chats::table
        .filter(chats::seller_id.eq(user).and(chats::buyer_id.eq_any(others)))
        .select(chats::buyer_id)
        .distinct()
        .load(c)
        .await)?;
    let accepted: Vec<Option<UserId>> = sql!(conn, |c| purchase_requests::table
        .filter(purchase_requests::buyer_id.eq(user).and(purchase_requests::seller_id.eq_any(others)))
        .select(purchase_requests::seller_id)
        .distinct()
        .load(c)
        .await)?;
    let bought: Vec<UserId> = sql!(conn, |c| purchase_requests::table
        .filter(purchase_requests::seller_id.eq(user).and(purchase_requests::buyer_id.eq_any(others)))
        .select(purchase_requests::buyer_id)
        .distinct()
        .load(c)
        .await)?;
    found.extend(sellers.into_iter().chain(buyers).chain(bought).chain(accepted.into_iter().flatten()));
    Ok(found)
}

/// Groups that the user shares with others: one with each for certain, and more as far as a bounded
/// answer holds them.
async fn groups(conn: &mut Conn, user: UserId, others: &[UserId]) -> Result<Vec<(UserId, GroupId)>> {
    use event_group_members::{group_id, table, user_id};
    let mine = diesel::alias!(event_group_members as mine);
    macro_rules! shared {
        () => {
            table
                .filter(user_id.eq_any(others))
                .filter(group_id.eq_any(mine.filter(mine.field(user_id).eq(user)).select(mine.field(group_id))))
        };
    }
    let one_each: Vec<(UserId, Option<GroupId>)> =
        sql!(conn, |c| shared!().group_by(user_id).select((user_id, min(group_id))).load(c).await)?;
    let mut groups: Vec<(UserId, GroupId)> =
        one_each.into_iter().filter_map(|(other, group)| Some((other, group?))).collect();
    if !groups.is_empty() {
        let most = i64::try_from(others.len() * TIES_MAX).unwrap_or(i64::MAX);
        let more: Vec<(UserId, GroupId)> =
            sql!(conn, |c| shared!().select((user_id, group_id)).limit(most).load(c).await)?;
        groups.extend(more);
    }
    Ok(groups)
}
