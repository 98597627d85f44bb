//! Event groups: people who work on drafts together.
//!
//! The one record that knows another: a group exists for its [`events`](super::events), whose
//! audience changes as people come and go and when the group ends.

mod members;

use super::{Edit, Faults, Listing, Record, Removal, Update, Viewer, events::Event, given, routes};
use crate::{
    error::Result,
    ids::{GroupId, UserId},
    notice::{Effect, Room},
    sql,
    store::{
        Conn, Json,
        schema::{event_group_members, event_groups},
    },
    stored_in,
    time::Time,
};
use actix_web::web;
use diesel::{prelude::*, sql_types::Bool};
use diesel_async::RunQueryDsl;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An event group.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[serde(rename_all = "camelCase")]
pub struct EventGroup {
    id: GroupId,
    name: String,
    description: String,
    /// In the order in which they came.
    member_ids: Json<Vec<UserId>>,
    version: i64,
    created_at: Time,
    updated_at: Time,
}

/// What makes one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Draft {
    name: String,
    #[serde(default)]
    description: String,
}

/// What changes one. Members come and go by routes of their own.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Patch {
    #[serde(deserialize_with = "given")]
    name: Option<String>,
    #[serde(deserialize_with = "given")]
    description: Option<String>,
}

/// The routes of event groups.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(routes::collection::<EventGroup>("/event_groups"))
        .service(routes::item::<EventGroup>("/event_groups/{id}"))
        .service(web::resource("/event_groups/{id}/members").post(members::add))
        .service(web::resource("/event_groups/{id}/members/{user}").delete(members::remove));
}

/// Whoever sees a group may write it: both are its members and administrators.
impl Record for EventGroup {
    const TYPE: &'static str = "EVENT_GROUP";
    type Draft = Draft;
    type Patch = Patch;

    fn create(draft: Draft, by: &Viewer, now: Time) -> Result<Self> {
        let Draft { name, description } = draft;
        let (id, member_ids) = (GroupId::generate(), Json(vec![by.user()]));
        Self { id, name, description, member_ids, version: 1, created_at: now, updated_at: now }.valid()
    }

    fn apply(self, patch: Patch, _: &Viewer, _: Time) -> Result<Update<Self>> {
        let name = patch.name.unwrap_or(self.name);
        let description = patch.description.unwrap_or(self.description);
        Self { name, description, ..self }.valid().map(Update::Changed)
    }

    fn remove(self, _: &Viewer, _: Time) -> Result<Removal<Self>> {
        Ok(Removal::Gone)
    }

    fn audience(&self) -> Vec<Room> {
        vec![self.room()]
    }

    /// Administrators write every group, so they have to find it; they hear only of those they are in.
    fn readable_by(&self, by: &Viewer) -> bool {
        by.is_admin() || by.is_in(&self.room())
    }

    /// Its maker enters the room before anybody is told: so the maker hears of it, and once.
    async fn arrive(&self, edit: &mut Edit<'_>) -> Result<()> {
        for user in &self.member_ids.0 {
            edit.tx.effect(Effect::Join { user: *user, room: self.room() });
        }
        Ok(())
    }

    /// Its events lose it while its members are still in its room, so that they hear which drafts
    /// they no longer see; then the room ends. That the group is gone they hear by name.
    async fn depart(&self, edit: &mut Edit<'_>) -> Result<()> {
        for event in Event::in_group(&mut edit.tx.conn, self.id).await? {
            edit.store(&event, event.clone().without(self.id)).await?;
        }
        edit.tx.effect(Effect::Dissolve { room: self.room() });
        Ok(())
    }

    async fn list(conn: &mut Conn, by: &Viewer, listing: &Listing) -> QueryResult<Vec<Self>> {
        let mine = event_group_members::table
            .filter(event_group_members::user_id.eq(by.user()))
            .select(event_group_members::group_id);
        let every = by.is_admin().into_sql::<Bool>();
        sql!(conn, |c| event_groups::table
            .filter(event_groups::id.gt(&listing.after))
            .filter(every.or(event_groups::id.eq_any(mine)))
            .order(event_groups::id)
            .limit(listing.limit)
            .select(Self::as_select())
            .load(c)
            .await)
    }

    stored_in!(event_groups, GroupId, linked = members::renew);
}

impl EventGroup {
    const fn room(&self) -> Room {
        Room::Group(self.id)
    }

    fn valid(self) -> Result<Self> {
        let mut faults = Faults::default();
        faults.text("name", &self.name, 1..=200);
        faults.text("description", &self.description, 0..=10_000);
        faults.or(self)
    }
}

#[cfg(test)]
#[path = "event_groups/groups_test.rs"]
mod tests;
