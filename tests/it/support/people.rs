//! What people do all day: drafts, groups, departments.

use super::{Answer, User};
use serde_json::{Value, json};

pub const A_DAY: (&str, &str) = ("2027-05-01T08:00:00.000Z", "2027-05-01T17:00:00.000Z");

/// A group that exists.
pub struct Group {
    pub id: String,
}

impl Group {
    pub fn path(&self) -> String {
        format!("/v1/event_groups/{}", self.id)
    }

    pub fn room(&self) -> String {
        format!("group-{}", self.id)
    }
}

impl User {
    /// A draft; `more` is added to what it has to have.
    pub async fn draft_with(&self, description: &str, more: Value) -> Answer {
        let mut body = json!({ "description": description, "start": A_DAY.0, "end": A_DAY.1 });
        for (field, value) in more.as_object().expect("fields") {
            body[field] = value.clone();
        }
        self.post("/v1/events", body).await.created()
    }

    pub async fn draft(&self, description: &str) -> Answer {
        self.draft_with(description, json!({})).await
    }

    pub async fn draft_in(&self, group: &Group, description: &str) -> Answer {
        self.draft_with(description, json!({ "groupIds": [group.id] })).await
    }

    /// Takes an event to a state, whatever comes of it.
    pub fn moves(&self, id: &str, state: &str) -> super::Call {
        self.post("/v1/events/change_state", json!({ "ids": [id], "state": state }))
    }

    /// Changes an event's description.
    pub fn describes(&self, id: &str, description: &str) -> super::Call {
        self.put(format!("/v1/events/{id}"), json!({ "description": description }))
    }

    /// An event that everybody sees, by this author.
    pub async fn published(&self, description: &str, by: &User) -> Answer {
        let event = self.draft(description).await;
        self.moves(&event.id(), "REVIEW").await.ok();
        by.moves(&event.id(), "PUBLISHED").await.ok();
        self.get(format!("/v1/events/{}", event.id())).await.ok()
    }

    /// A group of this user's, with these members.
    pub async fn group(&self, members: &[&User]) -> Group {
        let made = self.post("/v1/event_groups", json!({ "name": "Group" })).await.created();
        let group = Group { id: made.id() };
        for member in members {
            self.lets_in(&group, member).await;
        }
        group
    }

    pub async fn lets_in(&self, group: &Group, member: &User) -> Answer {
        self.post(format!("{}/members", group.path()), json!({ "userId": member.id })).await.created()
    }

    pub async fn sends_away(&self, group: &Group, member: &User) -> Answer {
        self.delete(format!("{}/members/{}", group.path(), member.id)).await.gone()
    }
}
