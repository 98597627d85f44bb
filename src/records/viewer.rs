//! Who looks: the caller and the rooms that decide what the caller sees.

use super::Record;
use crate::{
    auth::new_sid,
    delivery::groups_of,
    error::{Error, Result},
    identity::{Identity, Role, Roles},
    ids::{GroupId, UserId},
    notice::Room,
    sql,
    store::{
        Conn, Json,
        schema::{deleted_users, users},
    },
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// The caller of a request, with the memberships that hold at this moment of the transaction.
/// What somebody may read over HTTP is what they would be told live: both ask [`Record::audience`],
/// unless the record says otherwise ([`Record::readable_by`]).
#[derive(Debug, Clone)]
pub struct Viewer {
    /// Who.
    pub identity: Identity,
    /// The groups that the caller is a member of.
    pub groups: Vec<GroupId>,
}

impl Viewer {
    /// Reads the memberships.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn load(conn: &mut Conn, identity: Identity) -> Result<Self> {
        let groups = groups_of(conn, identity.user).await?;
        Ok(Self { identity, groups })
    }

    /// Somebody for whom Herald acts without a request: with the rights that hold at this moment of
    /// the transaction. Whom Herald has no record of is a plain user.
    ///
    /// # Errors
    /// 403 for who is disabled or deleted.
    pub async fn absent(conn: &mut Conn, user: UserId) -> Result<Self> {
        let gone: Option<UserId> =
            sql!(conn, |c| deleted_users::table.find(user).select(deleted_users::id).first(c).await.optional())?;
        let known: Option<(Json<Roles>, bool)> =
            sql!(conn, |c| users::table.find(user).select((users::roles, users::disabled)).first(c).await.optional())?;
        let roles = match (gone, known) {
            (Some(_), _) | (_, Some((_, true))) => return Err(Error::forbidden("this user may do nothing any more")),
            (None, Some((roles, false))) => roles.0,
            (None, None) => [Role::User].into_iter().collect(),
        };
        let groups = groups_of(conn, user).await?;
        Ok(Self { groups, ..Self::with_roles(user, roles) })
    }

    /// Somebody as whom Herald keeps its own books: no rights are asked for.
    #[must_use]
    pub fn clerk(user: UserId) -> Self {
        Self::with_roles(user, Roles::default())
    }

    fn with_roles(user: UserId, roles: Roles) -> Self {
        let identity = Identity { user, sid: new_sid(), roles, token_roles: roles, expires_at: 0, topics: Vec::new() };
        Self { identity, groups: Vec::new() }
    }

    /// The caller's user.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.identity.user
    }

    /// Whether the caller is an administrator.
    #[must_use]
    pub const fn is_admin(&self) -> bool {
        self.identity.is_admin()
    }

    /// Whether the caller is in this room by right.
    #[must_use]
    pub fn is_in(&self, room: &Room) -> bool {
        match room {
            Room::All => true,
            Room::Admin => self.is_admin(),
            Room::User(user) => *user == self.user(),
            Room::Session(sid) => *sid == self.identity.sid,
            Room::Group(group) => self.groups.contains(group),
            _ => false,
        }
    }

    /// Whether the caller may see this record.
    #[must_use]
    pub fn sees<R: Record>(&self, record: &R) -> bool {
        record.readable_by(self)
    }

    /// Reads a record that the caller may see.
    ///
    /// # Errors
    /// 404 when there is none or the caller may not see it: both look the same.
    pub async fn find<R: Record>(&self, conn: &mut Conn, id: R::Id) -> Result<R> {
        let record = R::find(conn, id).await?;
        if self.sees(&record) { Ok(record) } else { Err(Error::NotFound) }
    }
}
