//! `POST /v1/admin/connections/{join|leave|disconnect}`.

use super::{allowed, list::ID_MAX};
use crate::{
    auth::Caller,
    body::Body,
    broker::ROOMS_MAX,
    error::Result,
    faults::Faults,
    ids::UserId,
    notice::{ConnectionId, Room, Seq},
    transport::{Act, Selection, Steward},
};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use std::collections::HashSet;

/// Most connections that are named one by one: each is looked up by the broker, while others wait.
const IDS_MAX: usize = 500;

/// Which connections, and which rooms to join or leave.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Wish {
    ids: Option<Vec<String>>,
    user_id: Option<String>,
    room: Option<String>,
    rooms: Option<Vec<String>>,
}

pub(super) async fn join(caller: Caller, wish: Body<Wish>, steward: web::Data<Steward>) -> Result<HttpResponse> {
    allowed(&caller)?;
    let (selection, rooms) = read(wish.0, true)?;
    act(&steward, &caller, selection, Act::Join(rooms.into())).await
}

pub(super) async fn leave(caller: Caller, wish: Body<Wish>, steward: web::Data<Steward>) -> Result<HttpResponse> {
    allowed(&caller)?;
    let (selection, rooms) = read(wish.0, true)?;
    act(&steward, &caller, selection, Act::Leave(rooms.into())).await
}

pub(super) async fn disconnect(caller: Caller, wish: Body<Wish>, steward: web::Data<Steward>) -> Result<HttpResponse> {
    allowed(&caller)?;
    let (selection, _) = read(wish.0, false)?;
    act(&steward, &caller, selection, Act::Disconnect).await
}

async fn act(steward: &Steward, caller: &Caller, selection: Selection, act: Act) -> Result<HttpResponse> {
    let report = steward.apply(selection, &act).await?;
    log::info!("administrator {}: {}: {} of {} connections", caller.user, act.name(), report.changed, report.matched);
    let seq = steward.newest().await?;
    Ok(HttpResponse::Ok().insert_header((Seq::HEADER, seq.to_string())).json(report))
}

fn read(wish: Wish, moves: bool) -> Result<(Selection, Vec<Room>)> {
    let mut faults = Faults::default();
    let Wish { ids, user_id, room, rooms } = wish;
    let nobody = ids.as_ref().is_none_or(Vec::is_empty) && user_id.is_none() && room.is_none();
    faults.check("ids", !nobody, "ids, userId or room has to name somebody");
    let ids = ids.map(|ids| {
        faults.check("ids", ids.len() <= IDS_MAX, format!("may have at most {IDS_MAX} entries"));
        let fits = |id: &String| !id.is_empty() && id.len() <= ID_MAX;
        faults.check("ids", ids.iter().all(fits), "each has to be a connection's id");
        let once: HashSet<String> = ids.into_iter().collect();
        once.into_iter().map(|id| ConnectionId(id.into())).collect()
    });
    let user = user_id.as_deref().map(str::parse::<UserId>);
    faults.check("userId", !matches!(user, Some(Err(_))), "has to be a user's id");
    let room = room.as_deref().map(str::parse::<Room>);
    faults.check("room", !matches!(room, Some(Err(_))), "is no room");
    let selection = Selection { ids, user: user.and_then(Result::ok), room: room.and_then(Result::ok) };
    faults.check("rooms", moves || rooms.is_none(), "nothing is joined or left here");
    let names = rooms.unwrap_or_default();
    faults.check(
        "rooms",
        !moves || (1..=ROOMS_MAX).contains(&names.len()),
        format!("has to name 1 to {ROOMS_MAX} rooms"),
    );
    let mut rooms = Vec::new();
    for (index, name) in names.iter().take(ROOMS_MAX).enumerate() {
        match name.parse::<Room>() {
            Ok(room) => rooms.push(room),
            Err(_) => faults.check(format!("rooms[{index}]"), false, "is no room"),
        }
    }
    faults.or((selection, rooms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use serde_json::{Value, json};

    fn read_json(wish: Value, moves: bool) -> Result<(Selection, Vec<Room>)> {
        read(crate::body::parse(wish.to_string().as_bytes())?, moves)
    }

    fn fields(wish: Value, moves: bool) -> Vec<String> {
        match read_json(wish, moves) {
            Err(Error::Invalid(faults)) => faults.into_iter().map(|fault| fault.field.into_owned()).collect(),
            other => panic!("not refused as invalid: {other:?}"),
        }
    }

    #[test]
    fn a_selection_that_names_nobody_is_refused() {
        for nobody in [json!({}), json!({ "ids": [] }), json!({ "ids": null, "room": null })] {
            assert_eq!(fields(nobody, false), ["ids"]);
        }
        assert!(read_json(json!({ "ids": [], "room": "all" }), false).is_ok(), "an empty intersection is one");
    }

    #[test]
    fn each_fault_is_named() {
        assert_eq!(fields(json!({ "userId": "ann" }), false), ["userId"]);
        assert_eq!(fields(json!({ "room": "nonsense" }), false), ["room"]);
        assert_eq!(fields(json!({ "room": "all", "rooms": ["topic-a"] }), false), ["rooms"]);
        assert_eq!(fields(json!({ "room": "all" }), true), ["rooms"]);
        assert_eq!(fields(json!({ "room": "all", "rooms": [] }), true), ["rooms"]);
        assert_eq!(fields(json!({ "room": "all", "rooms": ["topic-a", "x"] }), true), ["rooms[1]"]);
        assert_eq!(fields(json!({ "room": "all", "rooms": vec!["topic-a"; 101] }), true), ["rooms"]);
        assert_eq!(fields(json!({ "ids": vec!["x"; 501] }), false), ["ids"]);
        assert_eq!(fields(json!({ "ids": ["x", "y".repeat(65)] }), false), ["ids"]);
        assert_eq!(fields(json!({ "room": "all", "user": "x" }), false), ["user"]);
    }
}
