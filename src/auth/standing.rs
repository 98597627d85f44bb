//! What the records say of somebody who holds a good token: a token can only narrow it.

use super::token::Claims;
use crate::{
    error::{Error, Result},
    identity::{Identity, Roles},
    ids::UserId,
    sql,
    store::{Conn, Json},
};
use diesel::{
    backend::Backend,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::QueryResult,
    serialize::ToSql,
    sql_types::{Bool, Nullable, Text},
};
use diesel_async::RunQueryDsl;

/// Narrows what the token says by the user's record. A user that Herald has never heard of keeps
/// the roles of the token (CONTRACT 1); one who is disabled or deleted is refused, and so is a
/// login session that ended.
///
/// # Errors
/// `Unauthorized`; 503 when the database is away.
pub(super) async fn narrow(conn: &mut Conn, claims: Claims) -> Result<Identity> {
    let Claims { user, sid, roles: token_roles, topics, expires_at } = claims;
    let asked = Ask { user: &user, sid: sid.as_str() };
    let (known, disabled, deleted, ended): (Option<Json<Roles>>, Option<bool>, bool, bool) =
        sql!(conn, |c| asked.get_result(c).await)?;
    if disabled == Some(true) || deleted || ended {
        return Err(Error::Unauthorized);
    }
    let roles = known.map_or(token_roles, |known| known.0.narrowed_to(token_roles));
    Ok(Identity { user, sid, roles, token_roles, expires_at, topics })
}

/// One statement, three look-ups by primary key. It is asked on every request, so it is a text: going through the
/// parts of such a statement in Diesel's words, several times, took longer than the look-ups.
struct Ask<'a> {
    user: &'a UserId,
    sid: &'a str,
}

impl QueryId for Ask<'_> {
    type QueryId = Ask<'static>;

    const HAS_STATIC_QUERY_ID: bool = true;
}

/// The record's roles and whether it is disabled, if there is one; whether the user is deleted; whether the login
/// session ended.
impl Query for Ask<'_> {
    type SqlType = (Nullable<Text>, Nullable<Bool>, Bool, Bool);
}

impl<DB: Backend> QueryFragment<DB> for Ask<'_>
where
    UserId: ToSql<Text, DB>,
    str: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        pass.push_sql("SELECT users.roles, users.disabled, EXISTS (SELECT 1 FROM deleted_users WHERE id = ");
        pass.push_bind_param::<Text, _>(self.user)?;
        pass.push_sql("), EXISTS (SELECT 1 FROM login_sessions WHERE ended_at IS NOT NULL AND sid = ");
        pass.push_bind_param::<Text, _>(self.sid)?;
        pass.push_sql(") FROM (SELECT 1 AS one) AS one LEFT JOIN users ON users.id = ");
        pass.push_bind_param::<Text, _>(self.user)
    }
}
