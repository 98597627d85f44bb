//! Who looks: the caller and the rooms that decide what the caller sees.

use super::Record;
use crate::{
    delivery::groups_of,
    error::{Error, Result},
    identity::Identity,
    ids::{GroupId, UserId},
    notice::Room,
    store::Conn,
};

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
