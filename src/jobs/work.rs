//! What kinds of jobs have to say of themselves.

use super::{Kind, Run, Stop};
use crate::time::Time;
use futures_util::future::LocalBoxFuture;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The job is done.
    Done,
    /// It can't be done; the reason, as a line of its log.
    Failed(String),
    /// It is to be run again, also after a restart.
    Later {
        /// How long to wait before.
        after: Duration,
        /// Why, as a line of its log.
        why: String,
    },
    /// It stays `RUNNING` without a run until somebody ends it ([`finish`](super::finish)).
    Waits {
        /// But no longer than this.
        until: Time,
        /// Why it then ends in `ERROR`, as a line of its log.
        otherwise: String,
    },
}

/// What a kind of job does. Runs share a thread: what takes the processor for long belongs on
/// `tokio::task::spawn_blocking`.
pub trait Work: Send + Sync + 'static {
    /// Does the job from `run.checkpoint` on. Every effect goes through [`Run::step`]; dropped at any
    /// `await`, it is taken up again from what was last stepped to.
    fn run<'a>(&'a self, run: &'a mut Run) -> LocalBoxFuture<'a, Result<End, Stop>>;
}

/// Who does which kind of job.
#[derive(Clone, Default)]
pub struct Works(HashMap<Kind, Arc<dyn Work>>);

impl Works {
    /// With one more.
    #[must_use]
    pub fn with(mut self, kind: Kind, work: impl Work) -> Self {
        self.0.insert(kind, Arc::new(work));
        self
    }

    /// Who does this kind; `None` when nobody here does.
    #[must_use]
    pub fn of(&self, kind: Kind) -> Option<Arc<dyn Work>> {
        self.0.get(&kind).cloned()
    }
}
