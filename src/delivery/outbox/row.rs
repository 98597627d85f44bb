//! A notice as it lies in the database.

use crate::{
    error::{Error, Result},
    notice::{Audience, Effect, EventName, Notice, Origin, Seq},
    store::{Json, schema::outbox},
    time::Time,
};
use diesel::prelude::*;
use std::{str::FromStr, sync::Arc};

/// One row of the outbox.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = outbox)]
pub struct Row {
    seq: i64,
    event: String,
    payload: String,
    audience: Json<Audience>,
    origin: Option<Json<Origin>>,
    effect: Option<Json<Effect>>,
    created_at: Time,
}

impl Row {
    /// The row of a notice that has its place.
    ///
    /// # Errors
    /// 500 when it has none: only stored notices have rows.
    pub fn of(notice: &Notice, created_at: Time) -> Result<Self> {
        let Seq(seq) = notice.seq.ok_or_else(|| Error::internal("a live notice can't be stored"))?;
        Ok(Self {
            seq,
            event: notice.event.as_str().to_owned(),
            payload: notice.payload.to_string(),
            audience: Json(notice.audience.clone()),
            origin: notice.origin.clone().map(Json),
            effect: notice.effect.clone().map(Json),
            created_at,
        })
    }

    /// The notice of the row.
    #[must_use]
    pub fn into_notice(self) -> Arc<Notice> {
        let Ok(event) = EventName::from_str(&self.event);
        Arc::new(Notice {
            seq: Some(Seq(self.seq)),
            event,
            payload: self.payload.into(),
            audience: self.audience.0,
            origin: self.origin.map(|json| json.0),
            effect: self.effect.map(|json| json.0),
        })
    }
}
