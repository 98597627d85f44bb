//! `POST events/change_state`: takes many events to one state, all or none, with what follows.

use super::{
    Event, State,
    inboxes::{self, Word},
    links,
};
use crate::{
    error::{Error, Result},
    ids::EventId,
    records::{Edit, Faults, Record as _, jobs::show_admins},
    store::Json,
};
use diesel::result::Error as Diesel;
use serde::Deserialize;

/// Most events in one request: it is one transaction, and everybody else waits for it.
pub(super) const MANY_MAX: usize = 100;
const MESSAGE_MAX: usize = 2_000;

/// Which events are to be in which state.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ChangeState {
    pub(super) ids: Vec<EventId>,
    pub(super) state: State,
    /// For the inboxes of those who are asked to decide, or of the author (CONTRACT 5).
    pub(super) message: Option<String>,
}

impl ChangeState {
    /// Itself, if it may be so.
    pub(super) fn valid(self) -> Result<Self> {
        let mut faults = Faults::default();
        faults.check("ids", !self.ids.is_empty(), "has to name an event");
        faults.list("ids", &self.ids, MANY_MAX);
        faults.text("message", self.message.as_deref().unwrap_or_default(), 0..=MESSAGE_MAX);
        faults.or(self)
    }

    /// Takes the steps in the order of the ids; the records that came of them, in the same order.
    /// In the place of a version that was published stands its parent, which has the content now.
    ///
    /// # Errors
    /// 404, 409, 403 of the first event that can't be taken there; then nothing is done.
    pub(super) async fn run(self, edit: &mut Edit<'_>) -> Result<Vec<Event>> {
        // State changes are told to the caller as well (CONTRACT 1, Echo).
        edit.tx.spare(None);
        let mut done = Vec::with_capacity(self.ids.len());
        let mut jobs = Vec::new();
        let mut words = Vec::new();
        for id in self.ids {
            let before: Event = edit.by.find(&mut edit.tx.conn, id).await?;
            jobs.extend(before.job_id.filter(|job| !jobs.contains(job)));
            let after = before.clone().moved(self.state, &edit.by)?;
            let (after, overtaken) = match (after.state, after.parent_id) {
                (State::Published, Some(parent)) => publish_version(edit, &before, parent).await?,
                _ => (edit.store(&before, after).await?, Vec::new()),
            };
            words.extend(Word::of(&after, before.author_id, before.state, self.state, self.message.as_deref()));
            words.extend(overtaken.iter().map(Word::overtaken));
            done.push(after);
        }
        for job in jobs {
            // Once, after all steps: what the administrators see of a job is what they see of its events.
            let seen = links::any_before_admins(&mut edit.tx.conn, job).await?;
            show_admins(edit, job, seen).await?;
        }
        // After all that they tell of: whoever hears of them finds it changed.
        inboxes::say(edit.tx, words).await?;
        Ok(done)
    }
}

/// The parent takes the version's content, the version goes, the other versions that wait for a
/// decision are refused: they were written against what is no more. The parent and those.
async fn publish_version(edit: &mut Edit<'_>, version: &Event, parent: EventId) -> Result<(Event, Vec<Event>)> {
    let gone = || Error::Conflict("the event that this is a version of is deleted".into());
    let before = match Event::find(&mut edit.tx.conn, parent).await {
        Ok(parent) if parent.deleted_at.is_none() => parent,
        Ok(_) | Err(Diesel::NotFound) => return Err(gone()),
        Err(error) => return Err(error.into()),
    };
    let parent = edit.store(&before, before.clone().with_content_of(version)).await?;
    edit.delete(version).await?;
    let mut overtaken = Vec::new();
    for other in links::versions_under_review(&mut edit.tx.conn, parent.id()).await? {
        let refused = Event { state: State::Refused, ..other.clone() };
        overtaken.push(edit.store(&other, refused).await?);
    }
    Ok((parent, overtaken))
}

impl Event {
    /// It, with what a version says. Groups are no content: they say who works on a draft.
    fn with_content_of(self, version: &Self) -> Self {
        Self {
            starts_at: version.starts_at,
            ends_at: version.ends_at,
            location: version.location.clone(),
            description: version.description.clone(),
            description_long: version.description_long.clone(),
            department_ids: Json(version.department_ids.0.clone()),
            ..self
        }
    }
}

#[cfg(test)]
#[path = "change_state_test.rs"]
mod tests;
