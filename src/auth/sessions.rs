//! Login sessions: begun by a login, carried on by refresh tokens, ended by logout or by a refresh
//! token that is used twice (CONTRACT 2).

use super::random::{random_text, stored};
use crate::{
    delivery::outbox::Tx,
    error::{Error, Result},
    identity::{Roles, Sid},
    ids::UserId,
    notice::Effect,
    sql,
    store::{
        Json,
        schema::{login_sessions, refresh_tokens, users},
    },
    time::Time,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// A session that goes on: what its next tokens are made of.
pub(super) struct Live {
    pub user: UserId,
    pub sid: Sid,
    pub roles: Roles,
    /// Works once.
    pub refresh_token: String,
}

/// What became of a refresh token.
pub(super) enum Refreshed {
    Live(Live),
    /// Unknown, expired, used before, or its session or user is no more.
    Refused,
}

/// A refresh token and its session, as stored.
#[derive(Queryable, Selectable)]
#[diesel(table_name = refresh_tokens)]
struct Found {
    sid: String,
    used_at: Option<Time>,
    expires_at: Time,
    #[diesel(select_expression = login_sessions::user_id)]
    user_id: UserId,
    #[diesel(select_expression = login_sessions::ended_at)]
    ended_at: Option<Time>,
}

/// Begins a session of a user who proved who he is.
pub(super) async fn begin(tx: &mut Tx, user: UserId, roles: Roles, seconds: i64) -> Result<Live> {
    let sid = new_sid();
    let (now, expires_at) = (tx.now(), tx.now().plus_seconds(seconds));
    let row = (
        login_sessions::sid.eq(sid.as_str()),
        login_sessions::user_id.eq(user),
        login_sessions::expires_at.eq(expires_at),
        login_sessions::created_at.eq(now),
    );
    sql!(&mut tx.conn, |c| diesel::insert_into(login_sessions::table).values(row).execute(c).await)?;
    let refresh_token = grant(tx, &sid, expires_at).await?;
    Ok(Live { user, sid, roles, refresh_token })
}

/// A name for a new session.
#[must_use]
pub fn new_sid() -> Sid {
    // 36 visible ASCII characters are always a sid.
    uuid::Uuid::new_v4().to_string().parse().unwrap_or_else(|_| unreachable!("a UUID is a sid"))
}

/// Uses a refresh token up. One that is used again has been stolen, by whoever came first or by
/// whoever came second: the session ends for both.
pub(super) async fn refresh(tx: &mut Tx, token: &str, seconds: i64) -> Result<Refreshed> {
    let hash = stored(token);
    let now = tx.now();
    let found: Option<Found> = sql!(&mut tx.conn, |c| refresh_tokens::table
        .inner_join(login_sessions::table)
        .filter(refresh_tokens::hash.eq(&hash))
        .select(Found::as_select())
        .first(c)
        .await
        .optional())?;
    let Some(found) = found else { return Ok(Refreshed::Refused) };
    let sid: Sid = found.sid.parse().map_err(Error::internal)?;
    let user = found.user_id;
    if found.ended_at.is_some() || found.expires_at <= now {
        return Ok(Refreshed::Refused);
    }
    if found.used_at.is_some() {
        log::warn!("a refresh token of user {user} was used twice; the login session ends");
        end(tx, &sid, user, now.plus_seconds(seconds)).await?;
        return Ok(Refreshed::Refused);
    }
    let standing: Option<(Json<Roles>, bool)> = sql!(&mut tx.conn, |c| users::table
        .find(user)
        .select((users::roles, users::disabled))
        .first(c)
        .await
        .optional())?;
    let Some((roles, false)) = standing else { return Ok(Refreshed::Refused) };
    let expires_at = now.plus_seconds(seconds);
    sql!(&mut tx.conn, |c| diesel::update(refresh_tokens::table.find(&hash))
        .set(refresh_tokens::used_at.eq(now))
        .execute(c)
        .await)?;
    sql!(&mut tx.conn, |c| diesel::update(login_sessions::table.find(sid.as_str()))
        .set(login_sessions::expires_at.eq(expires_at))
        .execute(c)
        .await)?;
    let refresh_token = grant(tx, &sid, expires_at).await?;
    Ok(Refreshed::Live(Live { user, sid, roles: roles.0, refresh_token }))
}

async fn grant(tx: &mut Tx, sid: &Sid, expires_at: Time) -> Result<String> {
    let token = random_text();
    let row = (
        refresh_tokens::hash.eq(stored(&token)),
        refresh_tokens::sid.eq(sid.as_str()),
        refresh_tokens::expires_at.eq(expires_at),
    );
    sql!(&mut tx.conn, |c| diesel::insert_into(refresh_tokens::table).values(row).execute(c).await)?;
    Ok(token)
}

/// Ends a session, also one that began elsewhere: then a row is written that says so. It is kept
/// until `expires_at`, when its last token has expired. Its connections close.
pub(super) async fn end(tx: &mut Tx, sid: &Sid, user: UserId, expires_at: Time) -> Result<()> {
    let now = tx.now();
    let row = (
        login_sessions::sid.eq(sid.as_str()),
        login_sessions::user_id.eq(user),
        login_sessions::ended_at.eq(now),
        login_sessions::expires_at.eq(expires_at),
        login_sessions::created_at.eq(now),
    );
    sql!(&mut tx.conn, |c| diesel::insert_into(login_sessions::table)
        .values(row)
        .on_conflict(login_sessions::sid)
        .do_update()
        .set((login_sessions::ended_at.eq(now), login_sessions::expires_at.eq(expires_at)))
        .execute(c)
        .await)?;
    tx.effect(Effect::End { sid: sid.clone() });
    Ok(())
}

/// Forgets sessions whose last token has ended, with their refresh tokens. For how long after that
/// an access token may still live is in `grace`, in seconds.
pub(super) async fn sweep(tx: &mut Tx, grace: i64) -> Result<()> {
    let oldest = tx.now().plus_seconds(-grace);
    let sessions = login_sessions::table.filter(login_sessions::expires_at.lt(oldest));
    sql!(&mut tx.conn, |c| diesel::delete(sessions).execute(c).await)?;
    // A used one is only kept to notice that it is used again, as long as it would have worked.
    let tokens = refresh_tokens::table.filter(refresh_tokens::expires_at.lt(oldest));
    sql!(&mut tx.conn, |c| diesel::delete(tokens).execute(c).await)?;
    Ok(())
}
