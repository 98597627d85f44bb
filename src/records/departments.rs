//! Departments: reference data. Administrators write it, everybody reads and hears of it.
//!
//! The slice to copy when a new kind of record is added.

use super::{Listing, Record, Removal, Update, Viewer, routes};
use crate::{
    error::{Error, Result},
    ids::DepartmentId,
    notice::Room,
    sql,
    store::{Conn, schema::departments},
    stored_in,
    time::Time,
};
use actix_web::web;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A department.
#[derive(Debug, Clone, Serialize, JsonSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[serde(rename_all = "camelCase")]
pub struct Department {
    id: DepartmentId,
    name: String,
    description: String,
    letter: String,
    color: String,
    version: i64,
    created_at: Time,
    updated_at: Time,
}

/// What makes one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Draft {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    letter: String,
    #[serde(default = "grey")]
    color: String,
}

/// What changes one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Patch {
    name: Option<String>,
    description: Option<String>,
    letter: Option<String>,
    color: Option<String>,
}

fn grey() -> String {
    "#808080".into()
}

/// The routes of departments.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(routes::collection::<Department>("/departments"))
        .service(routes::item::<Department>("/departments/{id}"));
}

impl Record for Department {
    const TYPE: &'static str = "DEPARTMENT";
    type Draft = Draft;
    type Patch = Patch;

    fn create(draft: Draft, by: &Viewer, now: Time) -> Result<Self> {
        admin(by)?;
        let Draft { name, description, letter, color } = draft;
        let id = DepartmentId::generate();
        Self { id, name, description, letter, color, version: 1, created_at: now, updated_at: now }.valid()
    }

    fn apply(self, patch: Patch, by: &Viewer, _: Time) -> Result<Update<Self>> {
        admin(by)?;
        let changed = Self {
            name: patch.name.unwrap_or(self.name),
            description: patch.description.unwrap_or(self.description),
            letter: patch.letter.unwrap_or(self.letter),
            color: patch.color.unwrap_or(self.color),
            ..self
        };
        changed.valid().map(Update::Changed)
    }

    fn remove(self, by: &Viewer, _: Time) -> Result<Removal<Self>> {
        admin(by)?;
        Ok(Removal::Gone)
    }

    fn audience(&self) -> Vec<Room> {
        vec![Room::All]
    }

    async fn list(conn: &mut Conn, _: &Viewer, listing: &Listing) -> QueryResult<Vec<Self>> {
        sql!(conn, |c| departments::table
            .filter(departments::id.gt(&listing.after))
            .order(departments::id)
            .limit(listing.limit)
            .select(Self::as_select())
            .load(c)
            .await)
    }

    stored_in!(departments, DepartmentId);
}

impl Department {
    /// Those that any of these words names, by name or letter: id, name, letter.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn named(conn: &mut Conn, words: &[&str]) -> QueryResult<Vec<(DepartmentId, String, String)>> {
        sql!(conn, |c| departments::table
            .filter(departments::name.eq_any(words).or(departments::letter.eq_any(words)))
            .order(departments::id)
            .select((departments::id, departments::name, departments::letter))
            .load(c)
            .await)
    }

    fn valid(self) -> Result<Self> {
        let mut faults = super::Faults::default();
        faults.text("name", &self.name, 1..=200);
        faults.text("description", &self.description, 0..=10_000);
        faults.text("letter", &self.letter, 0..=8);
        faults.check("color", is_color(&self.color), "has to be a colour such as #1a2b3c");
        faults.or(self)
    }
}

fn is_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn admin(by: &Viewer) -> Result<()> {
    if by.is_admin() { Ok(()) } else { Err(Error::forbidden("departments are written by administrators")) }
}
