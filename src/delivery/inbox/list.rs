//! `GET /v1/notifications`: one's own, newest first, a page at a time.

use super::{Notification, Status};
use crate::{
    error::{Error, Result},
    ids::UserId,
    sql,
    store::{Conn, schema::notifications},
};
use actix_web::{HttpRequest, web};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Deserialize;

const LIMIT_DEFAULT: i64 = 50;
const LIMIT_MAX: i64 = 200;

/// What a list request asks for: `?status=`, `?limit=`, `?before=` (the `seq` of the last one of the
/// page before).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) status: Option<Status>,
    pub(super) limit: i64,
    pub(super) before: i64,
}

/// As text, so that each can be named when it is wrong.
#[derive(Deserialize)]
struct Query {
    status: Option<String>,
    limit: Option<String>,
    before: Option<String>,
}

impl Listing {
    /// Reads the query string; a limit above the most is lowered to it.
    ///
    /// # Errors
    /// 422 naming the parameter.
    pub(super) fn of(request: &HttpRequest) -> Result<Self> {
        let query = web::Query::<Query>::from_query(request.query_string())
            .map_err(|error| Error::field("query", error.to_string()))?
            .into_inner();
        let status = match query.status.as_deref() {
            None => None,
            Some(text) => {
                let status = Status::ALL.iter().copied().find(|status| status.as_str() == text);
                Some(status.ok_or_else(|| Error::field("status", "has to be PENDING, DELIVERED or READ"))?)
            }
        };
        let limit = number(query.limit.as_deref(), "limit")?.unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX);
        let before = number(query.before.as_deref(), "before")?.unwrap_or(i64::MAX);
        Ok(Self { status, limit, before })
    }

    /// The address of the page that follows this one.
    pub(super) fn next(&self, path: &str, last: &Notification) -> String {
        let status = self.status.map(|status| format!("&status={}", status.as_str())).unwrap_or_default();
        format!("{path}?limit={}&before={}{status}", self.limit, last.seq)
    }

    /// Reads the page.
    pub(super) async fn read(self, conn: &mut Conn, user: UserId) -> QueryResult<Vec<Notification>> {
        let own = notifications::table
            .filter(notifications::user_id.eq(user).and(notifications::seq.lt(self.before)))
            .order(notifications::seq.desc())
            .limit(self.limit);
        match self.status {
            None => sql!(conn, |c| own.select(Notification::as_select()).load(c).await),
            Some(status) => {
                let own = own.filter(notifications::status.eq(status));
                sql!(conn, |c| own.select(Notification::as_select()).load(c).await)
            }
        }
    }
}

fn number(text: Option<&str>, field: &'static str) -> Result<Option<i64>> {
    let Some(text) = text else { return Ok(None) };
    let number = text.parse().ok().filter(|number| *number >= 1);
    number.map(Some).ok_or_else(|| Error::field(field, "has to be a number, 1 or more"))
}
