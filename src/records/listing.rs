//! Lists: bounded, paged by key, with the place in the order that they are true for (CONTRACT 1).

use crate::{
    error::{Error, Result},
    notice::Seq,
    sql,
    store::{Conn, schema::sequence},
};
use actix_web::{HttpRequest, HttpResponse, http::header, web};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const LIMIT_DEFAULT: i64 = 50;
const LIMIT_MAX: i64 = 200;

/// What a list request asks for: `?limit=`, `?after=` (the last id of the page before),
/// `?deleted=true`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Most records to return.
    pub limit: i64,
    /// Only ids that follow this one; empty text precedes all.
    pub after: String,
    /// Also those marked as deleted.
    pub deleted: bool,
}

#[derive(Deserialize)]
struct Query {
    limit: Option<i64>,
    after: Option<String>,
    deleted: Option<bool>,
}

impl Listing {
    /// Reads the query string; a limit above the most is lowered to it.
    ///
    /// # Errors
    /// 422 naming the parameter.
    pub fn of(request: &HttpRequest) -> Result<Self> {
        let query = web::Query::<Query>::from_query(request.query_string())
            .map_err(|error| Error::field("query", error.to_string()))?
            .into_inner();
        let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
        if limit < 1 {
            return Err(Error::field("limit", "has to be 1 or more"));
        }
        let after = match query.after {
            None => String::new(),
            Some(id) => {
                Uuid::try_parse(&id).map_err(|_| Error::field("after", "has to be an id"))?.hyphenated().to_string()
            }
        };
        Ok(Self { limit: limit.min(LIMIT_MAX), after, deleted: query.deleted.unwrap_or(false) })
    }
}

/// Answers a list; `read` runs in one snapshot together with the reading of the newest place.
///
/// # Errors
/// Whatever `read` says; 503 when the database is away.
pub async fn answer_list<R: Serialize>(
    request: &HttpRequest,
    listing: &Listing,
    mut conn: Conn,
    id: impl Fn(&R) -> String,
    read: impl AsyncFnOnce(&mut Conn) -> Result<Vec<R>>,
) -> Result<HttpResponse> {
    let (seq, records) = conn
        .snapshot(async |conn| {
            let newest: i64 = sql!(conn, |c| sequence::table.select(sequence::newest).first(c).await)?;
            Ok((Seq(newest), read(conn).await?))
        })
        .await?;
    let mut answer = HttpResponse::Ok();
    answer.insert_header((Seq::HEADER, seq.to_string()));
    let full = i64::try_from(records.len()).is_ok_and(|count| count == listing.limit);
    if let Some(last) = records.last().filter(|_| full) {
        let deleted = if listing.deleted { "&deleted=true" } else { "" };
        let link = format!("<{}?limit={}&after={}{deleted}>; rel=\"next\"", request.path(), listing.limit, id(last));
        answer.insert_header((header::LINK, link));
    }
    Ok(answer.json(records))
}
