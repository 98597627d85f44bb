//! `GET /v1/admin/connections`.

use super::allowed;
use crate::{
    auth::Caller,
    broker::{ConnectionFilter, Transport},
    error::{Error, Result},
    ids::UserId,
    notice::{ConnectionId, Room, Seq},
    records::Listing,
    transport::Steward,
};
use actix_web::{HttpRequest, HttpResponse, http::header, web};
use serde::Deserialize;
use std::{fmt::Write as _, str::FromStr};

/// Longest connection id that is looked at.
pub(super) const ID_MAX: usize = 64;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    user_id: Option<String>,
    room: Option<String>,
    transport: Option<String>,
    after: Option<String>,
    limit: Option<i64>,
}

pub(super) async fn list(request: HttpRequest, caller: Caller, steward: web::Data<Steward>) -> Result<HttpResponse> {
    allowed(&caller)?;
    let query = web::Query::<Query>::from_query(request.query_string())
        .map_err(|error| Error::field("query", error.to_string()))?
        .into_inner();
    let (filter, limit) = read(&query)?;
    // The place first: the list then holds at least up to there.
    let seq = steward.newest().await?;
    let found = steward.list(filter).await?;
    let mut answer = HttpResponse::Ok();
    answer.insert_header((Seq::HEADER, seq.to_string()));
    if let Some(last) = found.last().filter(|_| found.len() == limit) {
        answer.insert_header((
            header::LINK,
            format!("<{}>; rel=\"next\"", next(request.path(), &query, limit, &last.id)),
        ));
    }
    Ok(answer.json(found))
}

fn read(query: &Query) -> Result<(ConnectionFilter, usize)> {
    let limit = usize::try_from(Listing::limit(query.limit)?).unwrap_or(1);
    let filter = ConnectionFilter {
        ids: None,
        user: field::<UserId>("userId", &query.user_id, "has to be a user's id")?,
        room: field::<Room>("room", &query.room, "is no room")?,
        transport: field::<Transport>("transport", &query.transport, "has to be socket.io, websocket or sse")?,
        after: match query.after.as_deref() {
            Some(id) if id.is_empty() || id.len() > ID_MAX => {
                return Err(Error::field("after", "has to be a connection's id"));
            }
            id => id.map(|id| ConnectionId(id.into())),
        },
        limit: Some(limit),
    };
    Ok((filter, limit))
}

fn field<T: FromStr>(name: &'static str, text: &Option<String>, wrong: &'static str) -> Result<Option<T>> {
    text.as_deref().map(str::parse).transpose().map_err(|_| Error::field(name, wrong))
}

/// The address of the page that follows this connection.
fn next(path: &str, query: &Query, limit: usize, last: &ConnectionId) -> String {
    let mut address = format!("{path}?limit={limit}");
    let last = Some(last.to_string());
    let rest = [("userId", &query.user_id), ("room", &query.room), ("transport", &query.transport), ("after", &last)];
    for (name, value) in rest {
        if let Some(value) = value {
            // Writing to text does not fail.
            let _ = write!(address, "&{name}={}", Escaped(value));
        }
    }
    address
}

/// Text as it stands in a query string (RFC 3986): a topic's name may hold anything.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.bytes().try_for_each(|byte| match byte {
            b'-' | b'.' | b'_' | b'~' => f.write_char(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => f.write_char(char::from(byte)),
            byte => write!(f, "%{byte:02X}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        web::Query::<Query>::from_query(text).expect("a query").into_inner()
    }

    #[test]
    fn what_can_not_be_read_is_named() {
        for (text, name) in [
            ("userId=ann", "userId"),
            ("room=nonsense", "room"),
            ("transport=telepathy", "transport"),
            ("limit=0", "limit"),
            ("after=", "after"),
        ] {
            let Err(Error::Invalid(faults)) = read(&query(text)) else { panic!("{text} was read") };
            assert_eq!(faults[0].field, name);
        }
        let (filter, limit) = read(&query("room=topic-a&transport=socket.io&limit=7")).expect("is read");
        assert_eq!((filter.transport, limit), (Some(Transport::SocketIo), 7));
        assert_eq!(read(&query("limit=100000")).expect("is read").1, 200);
    }

    #[test]
    fn the_next_page_is_asked_for_with_the_same_words() {
        let first = query("room=topic-a%26b%20%C3%A4&limit=2");
        let address = next("/v1/admin/connections", &first, 2, &ConnectionId("x+y".into()));
        let second = query(address.split_once('?').expect("a query").1);
        assert_eq!(second.room.as_deref(), Some("topic-a&b ä"));
        assert_eq!(second.after.as_deref(), Some("x+y"));
    }
}
