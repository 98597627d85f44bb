//! Who comes into a group and who leaves it, and what each of them sees from then on.

use super::EventGroup;
use crate::{
    answer::{answer_gone, origin},
    auth::Caller,
    body::Body,
    delivery::{
        groups_of,
        outbox::{Committed, Outbox},
    },
    error::{Error, Result},
    ids::{GroupId, UserId},
    notice::{Audience, Effect, Room},
    records::{
        Edit, Record as _,
        events::Event,
        routes::{answer_record, id_of},
    },
    sql,
    store::{
        Conn,
        schema::{event_group_members, users},
    },
};
use actix_web::{HttpRequest, HttpResponse, web};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Deserialize;

/// Each member is told of each change by name when it takes something out of sight.
const MEMBERS_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewMember {
    user_id: UserId,
}

/// `POST event_groups/{id}/members`: 201 with the group, 200 when the user was in it already.
pub(super) async fn add(
    request: HttpRequest,
    caller: Caller,
    id: web::Path<String>,
    member: Body<NewMember>,
    outbox: web::Data<Outbox>,
) -> Result<HttpResponse> {
    let (id, user) = (id_of::<EventGroup>(&id)?, member.0.user_id);
    let (origin, by) = (origin(&request, &caller), caller.0);
    let done = outbox.commit(async move |tx| let_in(&mut Edit::begin(tx, by, origin).await?, id, user).await).await?;
    let seq = done.seq;
    let (group, came) = done.value;
    let answer = if came { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(answer_record(answer, &Committed { value: group, seq }))
}

/// `DELETE event_groups/{id}/members/{userId}`: 204.
pub(super) async fn remove(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<(String, String)>,
    outbox: web::Data<Outbox>,
) -> Result<HttpResponse> {
    let id = id_of::<EventGroup>(&path.0)?;
    let user = path.1.parse().map_err(|_| Error::NotFound)?;
    let (origin, by) = (origin(&request, &caller), caller.0);
    let done = outbox.commit(async move |tx| let_go(&mut Edit::begin(tx, by, origin).await?, id, user).await).await?;
    Ok(answer_gone(&done))
}

/// Lets a user in; `false` when they were in already, and nothing was done.
///
/// In this order: those who are in hear that the group changed, then the newcomer enters, then the
/// newcomer hears of the group and of the drafts that came into sight. These are addressed to the
/// newcomer by name, and only while in the room: who was sent away again before coming back to hear
/// of it has no business with it any more (CONTRACT 3, Resume).
pub(super) async fn let_in(edit: &mut Edit<'_>, id: GroupId, user: UserId) -> Result<(EventGroup, bool)> {
    let before: EventGroup = edit.by.find(&mut edit.tx.conn, id).await?;
    if before.member_ids.0.contains(&user) {
        return Ok((before, false));
    }
    if before.member_ids.0.len() >= MEMBERS_MAX {
        return Err(Error::Conflict(format!("a group has at most {MEMBERS_MAX} members").into()));
    }
    if !may_come(&mut edit.tx.conn, user).await? {
        return Err(Error::field("userId", "has to be a user who is not disabled"));
    }
    let was_in = groups_of(&mut edit.tx.conn, user).await?;
    let mut after = before.clone();
    after.member_ids.0.push(user);
    let group = edit.store(&before, after).await?;
    edit.tx.effect(Effect::Join { user, room: group.room() });
    edit.tell_new(&group, Audience::to([Room::User(user)]).within(group.audience()))?;
    for draft in seen_by_way_of(&mut edit.tx.conn, &group, user, &was_in).await? {
        edit.tell_new(&draft, Audience::to([Room::User(user)]).within(draft.audience()))?;
    }
    Ok((group, true))
}

/// Lets a member go, by own wish or another's. First the room, so that nothing that follows reaches
/// the one who left but by name: what they no longer see.
pub(super) async fn let_go(edit: &mut Edit<'_>, id: GroupId, user: UserId) -> Result<()> {
    let before: EventGroup = edit.by.find(&mut edit.tx.conn, id).await?;
    let mut after = before.clone();
    after.member_ids.0.retain(|member| *member != user);
    if after.member_ids == before.member_ids {
        return Err(Error::NotFound);
    }
    if after.member_ids.0.is_empty() {
        return Err(Error::Conflict("the last member can't leave; delete the group".into()));
    }
    edit.tx.effect(Effect::Leave { user, room: before.room() });
    let group = edit.store(&before, after).await?;
    let still_in = groups_of(&mut edit.tx.conn, user).await?;
    edit.tell_gone::<EventGroup>(id, vec![Room::User(user)], Vec::new()).await?;
    for draft in seen_by_way_of(&mut edit.tx.conn, &group, user, &still_in).await? {
        edit.tell_gone::<Event>(draft.id(), vec![Room::User(user)], Vec::new()).await?;
    }
    Ok(())
}

/// The events that the user sees by being in this group, and neither as author nor by way of `others`.
async fn seen_by_way_of(conn: &mut Conn, group: &EventGroup, user: UserId, others: &[GroupId]) -> Result<Vec<Event>> {
    let mut events = Event::in_group(conn, group.id).await?;
    events.retain(|event| {
        let audience = event.audience();
        let otherwise = |room: &Room| match room {
            Room::User(author) => *author == user,
            Room::Group(other) => others.contains(other),
            _ => false,
        };
        audience.contains(&group.room()) && !audience.iter().any(otherwise)
    });
    Ok(events)
}

async fn may_come(conn: &mut Conn, user: UserId) -> Result<bool> {
    let disabled: Option<bool> =
        sql!(conn, |c| users::table.find(user).select(users::disabled).first(c).await.optional())?;
    Ok(disabled == Some(false))
}

/// Brings the table of memberships in step with the group, which was `before`.
pub(super) async fn renew(group: &EventGroup, before: Option<&EventGroup>, conn: &mut Conn) -> QueryResult<()> {
    if before.is_some_and(|before| before.member_ids == group.member_ids) {
        return Ok(());
    }
    let id = group.id;
    let rows = event_group_members::table.filter(event_group_members::group_id.eq(id));
    let there: Vec<UserId> = sql!(conn, |c| rows.select(event_group_members::user_id).load(c).await)?;
    let is = &group.member_ids.0;
    for user in there.iter().filter(|user| !is.contains(user)) {
        sql!(conn, |c| diesel::delete(event_group_members::table.find((id, user))).execute(c).await)?;
    }
    for user in is.iter().filter(|user| !there.contains(user)) {
        let row = (event_group_members::group_id.eq(id), event_group_members::user_id.eq(user));
        sql!(conn, |c| diesel::insert_into(event_group_members::table).values(row).execute(c).await)?;
    }
    Ok(())
}
