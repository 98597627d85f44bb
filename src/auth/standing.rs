//! What the records say of somebody who holds a good token: a token can only narrow it.

use super::token::Claims;
use crate::{
    error::{Error, Result},
    identity::{Identity, Roles},
    sql,
    store::{
        Conn, Json,
        schema::{deleted_users, login_sessions, users},
    },
};
use diesel::{dsl::exists, prelude::*, select};
use diesel_async::RunQueryDsl;

/// Narrows what the token says by the user's record. A user that Herald has never heard of keeps
/// the roles of the token (CONTRACT 1); one who is disabled or deleted is refused, and so is a
/// login session that ended.
///
/// # Errors
/// `Unauthorized`; 503 when the database is away.
pub(super) async fn narrow(conn: &mut Conn, claims: Claims) -> Result<Identity> {
    let Claims { user, sid, roles: token_roles, topics, expires_at } = claims;
    // One statement, three look-ups by primary key: this is asked on every request.
    let (known, disabled, deleted, ended): (Option<Json<Roles>>, bool, bool, bool) = sql!(conn, |c| select((
        users::table.find(user).select(users::roles).single_value(),
        exists(users::table.find(user).filter(users::disabled)),
        exists(deleted_users::table.find(user)),
        exists(login_sessions::table.find(sid.as_str()).filter(login_sessions::ended_at.is_not_null())),
    ))
    .first(c)
    .await)?;
    if disabled || deleted || ended {
        return Err(Error::Unauthorized);
    }
    let roles = known.map_or(token_roles, |known| known.0.narrowed_to(token_roles));
    Ok(Identity { user, sid, roles, token_roles, expires_at, topics })
}
