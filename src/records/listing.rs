//! What a list of records may be asked for: bounded, paged by key (CONTRACT 1).

use crate::error::{Error, Result};
use actix_web::{HttpRequest, web};
use serde::Deserialize;
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
    /// The address of the page that follows this id.
    #[must_use]
    pub fn next(&self, path: &str, last: &str) -> String {
        let deleted = if self.deleted { "&deleted=true" } else { "" };
        format!("{path}?limit={}&after={last}{deleted}", self.limit)
    }

    /// How many entries to return when so many are asked for.
    ///
    /// # Errors
    /// 422 for less than one.
    pub fn limit(asked: Option<i64>) -> Result<i64> {
        match asked.unwrap_or(LIMIT_DEFAULT) {
            ..1 => Err(Error::field("limit", "has to be 1 or more")),
            limit => Ok(limit.min(LIMIT_MAX)),
        }
    }

    /// Reads the query string; a limit above the most is lowered to it.
    ///
    /// # Errors
    /// 422 naming the parameter.
    pub fn of(request: &HttpRequest) -> Result<Self> {
        let query = web::Query::<Query>::from_query(request.query_string())
            .map_err(|error| Error::field("query", error.to_string()))?
            .into_inner();
        let limit = Self::limit(query.limit)?;
        let after = match query.after {
            None => String::new(),
            Some(id) => {
                Uuid::try_parse(&id).map_err(|_| Error::field("after", "has to be an id"))?.hyphenated().to_string()
            }
        };
        Ok(Self { limit, after, deleted: query.deleted.unwrap_or(false) })
    }
}
