//! API keys as administrators handle them (CONTRACT 9): made, listed, revoked.

use crate::{
    answer::{answer_gone, answer_list},
    auth::{ApiKey, Auth, Caller, Scope},
    body::Body,
    error::{Error, Result},
    faults::Faults,
    notice::{Room, Seq},
    records::Listing,
    store::Store,
};
use actix_web::{HttpRequest, HttpResponse, http::header, web};
use serde::{Deserialize, Serialize};

/// Longest entry of a scope, in characters: longer than any room or event.
const ENTRY_MAX: usize = 160;

/// Adds the routes; to be mounted under `/v1`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/admin/api-keys").get(list).post(make))
        .service(web::resource("/admin/api-keys/{id}").delete(revoke));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Draft {
    name: String,
    rooms: Option<Vec<String>>,
    events: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Made<'a> {
    #[serde(flatten)]
    key: &'a ApiKey,
    #[serde(rename = "key")]
    secret: &'a str,
}

async fn make(caller: Caller, draft: Body<Draft>, auth: web::Data<Auth>) -> Result<HttpResponse> {
    allowed(&caller)?;
    let (name, rooms, events) = read(draft.0)?;
    let made = auth.issue_key(name, rooms, events).await?;
    let (key, secret) = &made.value;
    Ok(HttpResponse::Created()
        .insert_header((Seq::HEADER, made.seq.to_string()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(Made { key, secret: secret.expose() }))
}

async fn list(request: HttpRequest, caller: Caller, store: web::Data<Store>) -> Result<HttpResponse> {
    allowed(&caller)?;
    let listing = Listing::of(&request)?;
    let next = |key: &ApiKey| listing.next(request.path(), key.id.as_str());
    let read = async |conn: &mut _| Auth::keys(conn, &listing.after, listing.limit).await;
    answer_list(HttpResponse::Ok(), listing.limit, store.read().await?, next, read).await
}

async fn revoke(caller: Caller, id: web::Path<String>, auth: web::Data<Auth>) -> Result<HttpResponse> {
    allowed(&caller)?;
    let id = id.parse().map_err(|_| Error::NotFound)?;
    Ok(answer_gone(&auth.revoke_key(id).await?))
}

fn allowed(caller: &Caller) -> Result<()> {
    if caller.is_admin() { Ok(()) } else { Err(Error::forbidden("this is done by administrators")) }
}

fn read(draft: Draft) -> Result<(String, Scope, Scope)> {
    let Draft { name, rooms, events } = draft;
    let mut faults = Faults::default();
    faults.text("name", &name, 1..=100);
    let rooms = scope("rooms", rooms, &mut faults, |entry| match entry.parse::<Room>() {
        _ if entry.ends_with('*') => Ok(entry),
        // As it is compared: a bare user id is the user's room.
        Ok(room) => Ok(room.to_string()),
        Err(_) => Err("is neither a room nor a prefix that ends in *"),
    });
    let events = scope("events", events, &mut faults, Ok);
    faults.or((name, rooms, events))
}

fn scope(
    field: &'static str,
    list: Option<Vec<String>>,
    faults: &mut Faults,
    read: impl Fn(String) -> Result<String, &'static str>,
) -> Scope {
    let Some(list) = list else { return Scope::default() };
    let most = Scope::ENTRIES_MAX;
    faults.check(field, list.len() <= most, format!("may have at most {most} entries"));
    let mut entries = Vec::with_capacity(list.len().min(most));
    for (index, entry) in list.into_iter().take(most).enumerate() {
        let field = || format!("{field}[{index}]");
        let fits = (1..=ENTRY_MAX).contains(&entry.chars().count()) && !entry.chars().any(char::is_control);
        faults.check(field(), fits, format!("has to be 1 to {ENTRY_MAX} characters, none of them a control character"));
        match read(entry) {
            Ok(entry) => entries.push(entry),
            Err(why) => faults.check(field(), !fits, why),
        }
    }
    Scope::of(Some(entries))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::UserId;
    use serde_json::{Value, json};

    fn read_json(draft: Value) -> Result<(String, Scope, Scope)> {
        read(crate::body::parse(draft.to_string().as_bytes())?)
    }

    fn fields(draft: Value) -> Vec<String> {
        match read_json(draft) {
            Err(Error::Invalid(faults)) => faults.into_iter().map(|fault| fault.field.into_owned()).collect(),
            other => panic!("not refused as invalid: {other:?}"),
        }
    }

    #[test]
    fn a_scope_that_is_not_given_is_everything() {
        let (_, rooms, events) = read_json(json!({ "name": "shop" })).expect("fine");
        assert!(rooms.allows("all") && events.allows("anything"));
        let (_, rooms, events) = read_json(json!({ "name": "shop", "rooms": [], "events": [] })).expect("fine");
        assert!(!rooms.allows("all") && !events.allows("anything"));
    }

    #[test]
    fn rooms_are_kept_as_they_are_compared() {
        let user = UserId::generate();
        let rooms = json!([user.to_string().to_uppercase(), "topic-a*", "sellers"]);
        let (_, rooms, _) = read_json(json!({ "name": "shop", "rooms": rooms })).expect("fine");
        assert!(rooms.allows(&format!("user-{user}")) && rooms.allows("topic-a1") && rooms.allows("sellers"));
        assert!(!rooms.allows("all"));
    }

    #[test]
    fn each_fault_is_named() {
        assert_eq!(fields(json!({ "name": "" })), ["name"]);
        assert_eq!(fields(json!({ "name": "x".repeat(101) })), ["name"]);
        assert_eq!(fields(json!({ "name": "x", "rooms": ["all", "topics-news", ""] })), ["rooms[1]", "rooms[2]"]);
        assert_eq!(
            fields(json!({ "name": "x", "events": ["a", "a\nb", "x".repeat(161)] })),
            ["events[1]", "events[2]"]
        );
        assert_eq!(fields(json!({ "name": "x", "events": vec!["a"; 101] })), ["events"]);
        assert_eq!(fields(json!({ "name": "x", "room": ["all"] })), ["room"]);
        assert!(read_json(json!({ "name": "x".repeat(100), "events": vec!["a*"; 100] })).is_ok());
    }
}
