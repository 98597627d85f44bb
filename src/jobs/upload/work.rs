//! The work of an upload's job: hand the file over, then wait to be called back.

use super::{
    State, Upload,
    processor::{Answer, Processor},
};
use crate::{
    config,
    delivery::outbox::Tx,
    ids::UploadId,
    jobs::{End, Progress, Run, Stop, Work, files::Files},
    sql,
    store::{Store, schema::uploads},
    time::Time,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::future::{FutureExt as _, LocalBoxFuture};

/// The checkpoint of a job whose file the processor has.
const SENT: i64 = 1;
/// Half of what is to be done, as far as anybody can tell.
const SENT_PERCENT: i32 = 50;
const HOUR: i64 = 3600;

/// Brings files to the processor.
pub struct Forward {
    /// Who takes them; `None` when the server was started without one.
    pub processor: Option<Processor>,
    /// How often and how long.
    pub settings: config::Processor,
    /// Where the files lie.
    pub files: Files,
    /// Where the uploads are read.
    pub store: Store,
}

impl Work for Forward {
    fn run<'a>(&'a self, run: &'a mut Run) -> LocalBoxFuture<'a, Result<End, Stop>> {
        self.forward(run).boxed_local()
    }
}

impl Forward {
    async fn forward(&self, run: &mut Run) -> Result<End, Stop> {
        let upload = self.upload(run).await?;
        if run.checkpoint >= SENT {
            // The run before this one died after it had noted that.
            return Ok(self.wait(upload.updated_at));
        }
        match self.post(&upload, run).await {
            Answer::Accepted => {
                let id = upload.id;
                let log = vec!["handed to the processor".to_owned()];
                let sent = Progress { checkpoint: SENT, percent: SENT_PERCENT, log };
                run.commit(sent, async move |tx: &mut Tx| mark_sent(tx, id).await).await?;
                Ok(self.wait(Time::now()))
            }
            Answer::Refused(why) => Ok(End::Failed(why)),
            Answer::Again(why) if run.attempt >= self.settings.attempts => {
                Ok(End::Failed(format!("{why}; given up after {} attempts", run.attempt)))
            }
            Answer::Again(why) => {
                Ok(End::Later { after: self.settings.backoff.wait(run.attempt, rand::random()), why })
            }
        }
    }

    async fn upload(&self, run: &Run) -> Result<Upload, Stop> {
        let mut conn = self.store.read().await.map_err(Stop::Failed)?;
        match Upload::of_job(&mut conn, run.job).await {
            Ok(upload) => Ok(upload),
            // Reverted, a moment ago.
            Err(diesel::NotFound) => Err(Stop::Lost),
            Err(error) => Err(Stop::Failed(error.into())),
        }
    }

    async fn post(&self, upload: &Upload, run: &Run) -> Answer {
        let Some(processor) = &self.processor else {
            return Answer::Again("this server has no PROCESSOR_URL".into());
        };
        match run.file.as_deref().and_then(|name| name.parse().ok()) {
            Some(name) => processor.post(upload, &self.files, &name).await,
            None => Answer::Refused("the file is not there any more".into()),
        }
    }

    fn wait(&self, since: Time) -> End {
        let seconds = self.settings.deadline_seconds;
        let otherwise = format!("the processor did not call back within {} h", seconds / HOUR);
        End::Waits { until: since.plus_seconds(seconds), otherwise }
    }
}

async fn mark_sent(tx: &mut Tx, id: UploadId) -> crate::error::Result<()> {
    let sent = (uploads::state.eq(State::Sent), uploads::updated_at.eq(tx.now()));
    sql!(&mut tx.conn, |c| diesel::update(uploads::table.find(id)).set(sent).execute(c).await)?;
    Ok(())
}
