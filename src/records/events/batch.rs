//! `PUT events`: changes many drafts, all or none. Faults name the place in the list.

use super::{Event, Patch, change_state::MANY_MAX};
use crate::{
    error::{Error, Fault, Result},
    ids::EventId,
    records::{Edit, Record as _, Update},
};
use serde_json::{Map, Value};

/// The changes asked for, in order.
#[derive(Debug)]
pub(super) struct Batch(Vec<(EventId, Patch)>);

impl Batch {
    /// Reads `[{id, …fields}]`.
    ///
    /// # Errors
    /// 422 with every fault of every entry.
    pub(super) fn read(entries: Vec<Value>) -> Result<Self> {
        if entries.is_empty() || entries.len() > MANY_MAX {
            return Err(Error::field("", format!("has to be a list of 1 to {MANY_MAX} events")));
        }
        let mut faults = Vec::new();
        let mut read: Vec<(EventId, Patch)> = Vec::with_capacity(entries.len());
        for (index, entry) in entries.into_iter().enumerate() {
            match entry_of(entry) {
                Ok((id, _)) if read.iter().any(|(other, _)| *other == id) => {
                    faults.push(fault(index, "id", "stands in the list twice"));
                }
                Ok(entry) => read.push(entry),
                Err(found) => faults.extend(found.into_iter().map(|(field, why)| fault(index, &field, &why))),
            }
        }
        if faults.is_empty() { Ok(Self(read)) } else { Err(Error::Invalid(faults)) }
    }

    /// Changes the drafts; the changed records, in order.
    ///
    /// # Errors
    /// 404, 403, 409 of the first that can't be changed, 422 with the faults of all; then nothing
    /// is done.
    pub(super) async fn run(self, edit: &mut Edit<'_>) -> Result<Vec<Event>> {
        let mut faults = Vec::new();
        let mut changes = Vec::with_capacity(self.0.len());
        for (index, (id, patch)) in self.0.into_iter().enumerate() {
            let before: Event = edit.by.find(&mut edit.tx.conn, id).await?;
            match change(&before, patch, edit) {
                Ok(after) => changes.push((before, after)),
                Err(Error::Invalid(found)) => faults.extend(at(index, found)),
                Err(error) => return Err(placed(index, error)),
            }
        }
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        let mut done = Vec::with_capacity(changes.len());
        for (index, (before, after)) in changes.into_iter().enumerate() {
            done.push(edit.store(&before, after).await.map_err(|error| placed(index, error))?);
        }
        Ok(done)
    }
}

fn change(before: &Event, patch: Patch, edit: &Edit<'_>) -> Result<Event> {
    match before.clone().apply(patch, &edit.by, edit.tx.now())? {
        Update::Changed(after) => Ok(after),
        Update::Branched(_) => Err(Error::Conflict("only drafts are changed together".into())),
    }
}

/// One entry, or each of its faults with its field.
fn entry_of(entry: Value) -> Result<(EventId, Patch), Vec<(String, String)>> {
    let Value::Object(mut fields) = entry else {
        return Err(vec![(String::new(), "has to be an object with an id".into())]);
    };
    let id = fields.remove("id").and_then(|id| serde_json::from_value::<EventId>(id).ok());
    let patch = serde_json::from_value::<Patch>(Value::Object(fields.clone()));
    match (id, patch) {
        (Some(id), Ok(patch)) => Ok((id, patch)),
        (id, patch) => {
            let mut faults = if patch.is_err() { faults_of(fields) } else { Vec::new() };
            if id.is_none() {
                faults.push(("id".into(), "has to be the id of an event".into()));
            }
            Err(faults)
        }
    }
}

/// Every field of a patch may stand alone: so each is tried alone to learn which are at fault.
fn faults_of(fields: Map<String, Value>) -> Vec<(String, String)> {
    fields
        .into_iter()
        .filter_map(|(field, value)| {
            let alone = Map::from_iter([(field.clone(), value)]);
            let error = serde_json::from_value::<Patch>(Value::Object(alone)).err()?;
            Some((field, error.to_string()))
        })
        .collect()
}

fn fault(index: usize, field: &str, message: &str) -> Fault {
    let dot = if field.is_empty() { "" } else { "." };
    Fault { field: format!("[{index}]{dot}{field}").into(), message: message.to_owned().into() }
}

fn at(index: usize, faults: Vec<Fault>) -> impl Iterator<Item = Fault> {
    faults.into_iter().map(move |found| fault(index, &found.field, &found.message))
}

/// The error, saying which entry it is about.
fn placed(index: usize, error: Error) -> Error {
    match error {
        Error::Invalid(faults) => Error::Invalid(at(index, faults).collect()),
        Error::Forbidden(why) => Error::Forbidden(format!("[{index}]: {why}").into()),
        Error::Conflict(why) => Error::Conflict(format!("[{index}]: {why}").into()),
        other => other,
    }
}

#[cfg(test)]
#[path = "batch_test.rs"]
mod tests;
