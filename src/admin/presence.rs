//! Who is online (CONTRACT 9), for whoever does not hear it on a socket: SSE clients, other back ends.

use crate::{
    auth::Holder,
    broker::presence::{ReadPresence, USERS_MAX},
    error::{Error, Result},
    ids::UserId,
    transport::{Entrance, refused},
};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Query {
    user_ids: Option<String>,
}

/// The route of presence.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/presence").get(read));
}

/// API keys and administrators may know of anybody, others of those with whom they share a room; all or
/// none, and who is not there looks like who may not be known.
async fn read(request: HttpRequest, holder: Holder, entrance: web::Data<Entrance>) -> Result<HttpResponse> {
    let query = web::Query::<Query>::from_query(request.query_string())
        .map_err(|error| Error::field("query", error.to_string()))?;
    let users = users(query.user_ids.as_deref())?;
    let by = match holder {
        Holder::Key(_) => None,
        Holder::Person(caller) if caller.is_admin() => None,
        Holder::Person(caller) => {
            let ties = entrance.ties(caller.user, &users).await?;
            Some((caller.0, ties))
        }
    };
    let presence = entrance.ask(ReadPresence { users, by }).await?.map_err(refused)?;
    Ok(HttpResponse::Ok().json(presence))
}

/// Ids separated by commas.
fn users(text: Option<&str>) -> Result<Vec<UserId>> {
    let text = text.ok_or_else(|| Error::field("userIds", "must be given: ids separated by commas"))?;
    let ids: Vec<&str> = text.splitn(USERS_MAX + 1, ',').collect();
    if ids.len() > USERS_MAX {
        return Err(Error::field("userIds", format!("must be at most {USERS_MAX}")));
    }
    let ids: std::result::Result<_, _> = ids.into_iter().map(str::parse).collect();
    ids.map_err(|_| Error::field("userIds", "each must be a UUID"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_in_their_order_and_junk_is_refused() {
        let (ann, bob) = (UserId::generate(), UserId::generate());
        let text = format!("{bob},{ann},{bob}");
        assert_eq!(users(Some(&text)).expect("are read"), [bob, ann, bob]);
        let many = vec![ann.to_string(); USERS_MAX];
        assert_eq!(users(Some(&many.join(","))).expect("are read").len(), USERS_MAX);
        let too_many = format!("{},{ann}", many.join(","));
        for text in [None, Some(""), Some("all"), Some(","), Some(&*format!("{ann},")), Some(&*too_many)] {
            assert_eq!(users(text).expect_err("is refused").code(), "invalid_request", "{text:?}");
        }
    }
}
