//! `herald --demo`: accounts with a known password and something to look at (CONTRACT 2). Nothing
//! here is ever reached without `--demo`, which listens on loopback only.

use crate::{
    auth::Auth,
    delivery::outbox::{Outbox, Tx},
    error::{Error, Result},
    identity::Role::{self, Admin, Buyer, Seller, User as Plain},
    ids::{DepartmentId, EventId, GroupId, UserId},
    records::{
        Edit, Record as _,
        departments::Department,
        market::{Offer, PurchaseRequest},
        users::{Register, User, enroll},
    },
    secret::Secret,
    sql,
    store::{
        Json, Store,
        schema::{departments, event_group_members, event_groups, events, events_in_departments, events_in_groups},
    },
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;
use std::net::SocketAddr;

/// The password of every demo account.
pub const PASSWORD: &str = "herald-demo";

const PEOPLE: [(&str, &str, &[Role]); 5] = [
    ("admin", "Ada", &[Plain, Admin]),
    ("ann", "Ann", &[Plain]),
    ("bob", "Bob", &[Plain]),
    ("sam", "Sam", &[Plain, Seller]),
    ("bea", "Bea", &[Plain, Buyer]),
];

const DEPARTMENTS: [(&str, &str, &str); 3] =
    [("Music", "M", "#7a3ff2"), ("Sports", "S", "#1f9d55"), ("Science", "C", "#2563eb")];

/// Who plans together: they see and change each other's drafts.
const TEAM: [&str; 2] = ["ann", "bob"];

/// Whose, in which state, in which of the departments, in how many days, what, where.
const EVENTS: [(&str, &str, usize, i64, &str, &str); 4] = [
    ("ann", "PUBLISHED", 0, 7, "Summer concert", "Town hall"),
    ("ann", "DRAFT", 0, 21, "Open stage", "Old brewery"),
    ("bob", "PUBLISHED", 1, 10, "River run", "Bridge house"),
    ("bob", "REVIEW", 2, 14, "Night of the stars", "Observatory"),
];

/// What everybody who starts a demo should read.
#[must_use]
pub fn warning(addr: SocketAddr) -> String {
    let people = PEOPLE.map(|(name, ..)| format!("{name}@example.com")).join(", ");
    format!(
        "\n*** DEMO on http://{addr}: anybody on this machine can log in as {people}\n\
         *** with the password {PASSWORD}. Never put it where others can reach it.\n"
    )
}

/// Makes what is missing; leaves alone what is there.
///
/// # Errors
/// 503 when the database is away.
pub async fn furnish(auth: &Auth, store: &Store, outbox: &Outbox) -> Result<()> {
    // Where tokens come from another issuer nobody logs in here; the data is still of use.
    for (name, first_name, roles) in PEOPLE {
        let email = format!("{name}@example.com");
        if User::by_email(&mut store.read().await?, &email).await?.is_none() {
            let (password, first_name) = (Secret::new(PASSWORD), first_name.to_owned());
            let register = Register { email, password, first_name, last_name: "Demo".into() };
            enroll(auth, outbox, register, roles.iter().copied().collect()).await?;
        }
    }
    outbox.commit(async move |tx: &mut Tx| fill(tx).await).await.map(drop)
}

/// Departments, a group and events, unless there are any.
async fn fill(tx: &mut Tx) -> Result<()> {
    let known: i64 = sql!(&mut tx.conn, |c| departments::table.count().get_result(c).await)?;
    let planned: i64 = sql!(&mut tx.conn, |c| events::table.count().get_result(c).await)?;
    if known + planned > 0 {
        return Ok(());
    }
    let admin = person(tx, PEOPLE[0].0).await?;
    let mut made = Vec::new();
    for (name, letter, color) in DEPARTMENTS {
        let draft = serde_json::from_value(json!({ "name": name, "letter": letter, "color": color }));
        let mut edit = Edit { by: admin.himself(), tx };
        made.push(edit.create::<Department>(draft.map_err(Error::internal)?).await?.id());
    }
    let team = team(tx).await?;
    for (author, state, department, days, description, location) in EVENTS {
        let author = person(tx, author).await?.id();
        let id = plan(tx, author, state, made[department], days, description, location).await?;
        if state == "DRAFT" {
            share(tx, id, team).await?;
        }
    }
    trade(tx).await
}

/// Bea asks for something, Sam offers it.
async fn trade(tx: &mut Tx) -> Result<()> {
    let wanted = json!({ "title": "Stage lights", "description": "Twelve, for one weekend", "budget": "400.00" });
    let offered = json!({ "price": "380.00", "currency": "EUR", "message": "With two spares" });
    let (bea, sam) = (person(tx, "bea").await?.himself(), person(tx, "sam").await?.himself());
    let wanted = serde_json::from_value(wanted).map_err(Error::internal)?;
    let request = PurchaseRequest::post(tx, &bea.identity, wanted).await?;
    let offered = serde_json::from_value(offered).map_err(Error::internal)?;
    Offer::make(tx, &sam.identity, request.id, offered).await.map(drop)
}

async fn person(tx: &mut Tx, name: &str) -> Result<User> {
    User::by_email(&mut tx.conn, &format!("{name}@example.com")).await?.ok_or(Error::NotFound)
}

/// Straight into the table: nobody is connected yet, and what is told of reviews would not be true.
async fn plan(
    tx: &mut Tx,
    author: UserId,
    state: &str,
    department: DepartmentId,
    days: i64,
    description: &str,
    location: &str,
) -> Result<EventId> {
    let (id, now) = (EventId::generate(), tx.now());
    let start = now.plus_seconds(days * 86_400);
    let row = (
        (events::id.eq(id), events::author_id.eq(author), events::state.eq(state)),
        (events::starts_at.eq(start), events::ends_at.eq(start.plus_seconds(3 * 3600))),
        (events::description.eq(description), events::location.eq(location)),
        (events::department_ids.eq(Json(vec![department])), events::group_ids.eq("[]")),
        (events::version.eq(1_i64), events::created_at.eq(now), events::updated_at.eq(now)),
    );
    sql!(&mut tx.conn, |c| diesel::insert_into(events::table).values(row).execute(c).await)?;
    let link = (events_in_departments::event_id.eq(id), events_in_departments::department_id.eq(department));
    sql!(&mut tx.conn, |c| diesel::insert_into(events_in_departments::table).values(link).execute(c).await)?;
    Ok(id)
}

/// A group of [`TEAM`]; straight into the table as well.
async fn team(tx: &mut Tx) -> Result<GroupId> {
    let (id, now) = (GroupId::generate(), tx.now());
    let mut members = Vec::new();
    for name in TEAM {
        members.push(person(tx, name).await?.id());
    }
    let row = (
        (event_groups::id.eq(id), event_groups::name.eq("Programme"), event_groups::description.eq("Plans the events")),
        (event_groups::member_ids.eq(Json(members.clone())), event_groups::version.eq(1_i64)),
        (event_groups::created_at.eq(now), event_groups::updated_at.eq(now)),
    );
    sql!(&mut tx.conn, |c| diesel::insert_into(event_groups::table).values(row).execute(c).await)?;
    for member in members {
        let link = (event_group_members::group_id.eq(id), event_group_members::user_id.eq(member));
        sql!(&mut tx.conn, |c| diesel::insert_into(event_group_members::table).values(link).execute(c).await)?;
    }
    Ok(id)
}

async fn share(tx: &mut Tx, event: EventId, group: GroupId) -> Result<()> {
    let groups = events::group_ids.eq(Json(vec![group]));
    sql!(&mut tx.conn, |c| diesel::update(events::table.find(event)).set(groups).execute(c).await)?;
    let link = (events_in_groups::event_id.eq(event), events_in_groups::group_id.eq(group));
    sql!(&mut tx.conn, |c| diesel::insert_into(events_in_groups::table).values(link).execute(c).await)?;
    Ok(())
}
