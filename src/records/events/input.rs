//! What callers may send of an event, and what it has to be like.

use super::Event;
use crate::{
    error::Result,
    ids::{DepartmentId, GroupId},
    records::{Faults, Viewer, given},
    store::Json,
    time::Time,
};
use serde::Deserialize;

// Every notice of an event carries it whole, to everybody who may see it: none of it is unbounded.
const DESCRIPTION_MAX: usize = 1_000;
const DESCRIPTION_LONG_MAX: usize = 20_000;
const LOCATION_MAX: usize = 500;
/// Each group is a room in the audience.
const GROUPS_MAX: usize = 50;
const DEPARTMENTS_MAX: usize = 50;

/// What makes an event.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Draft {
    /// What it is, in a line.
    pub description: String,
    /// When it starts.
    pub start: Time,
    /// When it ends.
    pub end: Time,
    /// Where.
    pub location: Option<String>,
    /// What there is to say of it.
    pub description_long: Option<String>,
    /// Whose it is.
    #[serde(default)]
    pub department_ids: Vec<DepartmentId>,
    /// Who may see and change it while it is a draft.
    #[serde(default)]
    pub group_ids: Vec<GroupId>,
}

/// What changes one: the fields given. `null` clears those that may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Patch {
    #[serde(deserialize_with = "given")]
    description: Option<String>,
    #[serde(deserialize_with = "given")]
    start: Option<Time>,
    #[serde(deserialize_with = "given")]
    end: Option<Time>,
    #[serde(deserialize_with = "given")]
    location: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    description_long: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    department_ids: Option<Vec<DepartmentId>>,
    #[serde(deserialize_with = "given")]
    group_ids: Option<Vec<GroupId>>,
}

impl Event {
    /// It, with the fields given.
    pub(super) fn with(self, patch: Patch) -> Self {
        Self {
            description: patch.description.unwrap_or(self.description),
            starts_at: patch.start.unwrap_or(self.starts_at),
            ends_at: patch.end.unwrap_or(self.ends_at),
            location: patch.location.unwrap_or(self.location),
            description_long: patch.description_long.unwrap_or(self.description_long),
            department_ids: patch.department_ids.map_or(self.department_ids, Json),
            group_ids: patch.group_ids.map_or(self.group_ids, Json),
            ..self
        }
    }

    /// Itself, if it may be so. `already` are the groups that it was in before: they may stay
    /// whoever changes it. A group that is not the caller's is as good as none: no 403, which would
    /// tell that it exists.
    pub(super) fn valid(self, by: &Viewer, already: &[GroupId]) -> Result<Self> {
        let mut faults = Faults::default();
        faults.text("description", &self.description, 1..=DESCRIPTION_MAX);
        faults.check("start", self.starts_at < self.ends_at, "has to be before end");
        faults.text("location", self.location.as_deref().unwrap_or_default(), 0..=LOCATION_MAX);
        faults.text("descriptionLong", self.description_long.as_deref().unwrap_or_default(), 0..=DESCRIPTION_LONG_MAX);
        faults.list("departmentIds", &self.department_ids.0, DEPARTMENTS_MAX);
        faults.list("groupIds", &self.group_ids.0, GROUPS_MAX);
        let allowed = |group: &GroupId| by.groups.contains(group) || already.contains(group);
        faults.check("groupIds", self.group_ids.0.iter().all(allowed), "names a group that you are not in");
        faults.or(self)
    }
}
