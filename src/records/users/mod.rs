//! Users: they register themselves, administrators say what they may be.
//!
//! The record and its rules are here, `input` has the bodies, `sign_in` the routes by which one
//! comes in, `routes` those by which one is changed, with what a change means to live connections;
//! `appoint` makes the first administrator.

mod appoint;
mod input;
mod routes;
mod sign_in;

pub use appoint::appoint;
pub use input::{Patch, Register};
pub use sign_in::enroll;

use super::{Edit, Faults, Listing, Record, Removal, Update, Viewer};
use crate::{
    auth::{PasswordHash, new_sid, normal},
    delivery::inbox,
    error::{Error, Result},
    identity::{Identity, Role, Roles},
    ids::UserId,
    notice::{Effect, Room},
    sql,
    store::{
        Conn, Json,
        schema::{deleted_users, login_sessions, users},
    },
    stored_in,
    time::Time,
};
use actix_web::web;
use diesel::{prelude::*, sql_types::Bool};
use diesel_async::RunQueryDsl;
use schemars::JsonSchema;
use serde::Serialize;

/// A user.
#[derive(Debug, Clone, Serialize, JsonSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[serde(rename_all = "camelCase")]
pub struct User {
    id: UserId,
    /// As it is looked up: in small letters.
    email: String,
    #[serde(skip)]
    password_hash: PasswordHash,
    first_name: String,
    last_name: String,
    roles: Json<Roles>,
    disabled: bool,
    notify_admin_on_review_request: bool,
    notify_on_event_update: bool,
    /// Whether what stays undelivered for long may come by e-mail.
    notify_by_email: bool,
    version: i64,
    created_at: Time,
    updated_at: Time,
}

/// The routes of users, and those by which one comes in.
pub fn configure(cfg: &mut web::ServiceConfig) {
    sign_in::configure(cfg);
    routes::configure(cfg);
}

impl Record for User {
    const TYPE: &'static str = "USER";
    type Draft = Register;
    type Patch = Patch;

    /// Nobody makes others: see [`User::new`].
    fn create(_: Register, _: &Viewer, _: Time) -> Result<Self> {
        Err(Error::forbidden("users register themselves"))
    }

    fn apply(self, patch: Patch, by: &Viewer, _: Time) -> Result<Update<Self>> {
        match patch {
            Patch::Own(patch) => {
                if by.user() != self.id {
                    return Err(Error::forbidden("names and preferences are changed by the user"));
                }
                let notify_admin = patch.notify_admin_on_review_request.unwrap_or(self.notify_admin_on_review_request);
                let changed = Self {
                    first_name: patch.first_name.unwrap_or(self.first_name),
                    last_name: patch.last_name.unwrap_or(self.last_name),
                    notify_admin_on_review_request: notify_admin,
                    notify_on_event_update: patch.notify_on_event_update.unwrap_or(self.notify_on_event_update),
                    notify_by_email: patch.notify_by_email.unwrap_or(self.notify_by_email),
                    ..self
                };
                changed.valid().map(Update::Changed)
            }
            Patch::Standing(patch) => {
                admin(by)?;
                let roles = patch.roles.map_or(self.roles, Json);
                Ok(Update::Changed(Self { roles, disabled: patch.disabled.unwrap_or(self.disabled), ..self }))
            }
        }
    }

    fn remove(self, by: &Viewer, _: Time) -> Result<Removal<Self>> {
        admin(by)?;
        Ok(Removal::Gone)
    }

    fn audience(&self) -> Vec<Room> {
        vec![Room::User(self.id), Room::Admin]
    }

    /// Somebody has to be left who can give rights.
    async fn check(&self, conn: &mut Conn) -> Result<()> {
        if self.rules() { Ok(()) } else { self.spare_last_admin(conn).await }
    }

    /// What is left is that the user's tokens must not work: that there was such a user.
    async fn depart(&self, edit: &mut Edit<'_>) -> Result<()> {
        let now = edit.tx.now();
        let conn = &mut edit.tx.conn;
        self.spare_last_admin(conn).await?;
        let row = (deleted_users::id.eq(self.id), deleted_users::deleted_at.eq(now));
        sql!(conn, |c| diesel::insert_into(deleted_users::table).values(row).execute(c).await)?;
        let sessions = login_sessions::table.filter(login_sessions::user_id.eq(self.id));
        sql!(conn, |c| diesel::delete(sessions).execute(c).await)?;
        inbox::forget(conn, self.id).await
    }

    async fn list(conn: &mut Conn, by: &Viewer, listing: &Listing) -> QueryResult<Vec<Self>> {
        let every = by.is_admin().into_sql::<Bool>();
        sql!(conn, |c| users::table
            .filter(users::id.gt(&listing.after))
            .filter(every.or(users::id.eq(by.user())))
            .order(users::id)
            .limit(listing.limit)
            .select(Self::as_select())
            .load(c)
            .await)
    }

    stored_in!(users, UserId);
}

impl User {
    /// A new one, of a body that was checked and a password that was hashed.
    #[must_use]
    pub fn new(register: &Register, password_hash: PasswordHash, roles: Roles, now: Time) -> Self {
        Self {
            id: UserId::generate(),
            email: normal(&register.email),
            password_hash,
            first_name: register.first_name.clone(),
            last_name: register.last_name.clone(),
            roles: Json(roles),
            disabled: false,
            notify_admin_on_review_request: true,
            notify_on_event_update: true,
            notify_by_email: true,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// The user of this e-mail address.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn by_email(conn: &mut Conn, email: &str) -> Result<Option<Self>> {
        let user = users::table.filter(users::email.eq(normal(email)));
        Ok(sql!(conn, |c| user.select(Self::as_select()).first(c).await.optional())?)
    }

    /// As an administrator with this password, whatever the user was before: for whoever operates
    /// the server (`herald admin`).
    #[must_use]
    pub fn as_admin(self, password_hash: PasswordHash) -> Self {
        let roles = self.roles.0.iter().chain([Role::User, Role::Admin]).collect();
        Self { password_hash, roles: Json(roles), disabled: false, ..self }
    }

    /// What live connections have to learn of a change; to be placed after the notices of the
    /// change: from there on, those who lost a right hear nothing more by it.
    #[must_use]
    pub const fn standing(&self) -> Effect {
        Effect::Standing { user: self.id, roles: self.roles.0, disabled: self.disabled }
    }

    /// The user as the one who acts: where no token says who does.
    #[must_use]
    pub fn himself(&self) -> Viewer {
        let (user, roles) = (self.id, self.roles.0);
        let identity = Identity { user, sid: new_sid(), roles, token_roles: roles, expires_at: 0, topics: Vec::new() };
        Viewer { identity, groups: Vec::new() }
    }

    /// Whether it is an administrator who can act as one.
    const fn rules(&self) -> bool {
        self.roles.0.has(Role::Admin) && !self.disabled
    }

    fn valid(self) -> Result<Self> {
        let mut faults = Faults::default();
        input::names(&mut faults, &self.first_name, &self.last_name);
        faults.or(self)
    }

    /// 409 when nobody else could give rights any more, and this one can, as stored.
    async fn spare_last_admin(&self, conn: &mut Conn) -> Result<()> {
        let admins = users::table.filter(users::roles.like("%ADMIN%").and(users::disabled.eq(false)));
        let ids: Vec<UserId> = sql!(conn, |c| admins.select(users::id).limit(2).load(c).await)?;
        if ids == [self.id] { Err(Error::Conflict("this is the last administrator".into())) } else { Ok(()) }
    }
}

fn admin(by: &Viewer) -> Result<()> {
    if by.is_admin() { Ok(()) } else { Err(Error::forbidden("this is done by administrators")) }
}

#[cfg(test)]
mod tests;
