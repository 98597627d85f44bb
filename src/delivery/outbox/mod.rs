//! The outbox: the only door to writing. A change and the notices that tell of it are one
//! transaction, and an answer goes out only after its commit.
//!
//! Many waiting changes share one commit (group commit), each in a savepoint of its own, so one
//! that fails leaves the others alone. Every batch first takes the lock on the one row of
//! `sequence`: changes follow one another in one order on every node, on SQLite and on PostgreSQL
//! alike, which is also the order of `seq` (docs/decisions/0003-one-writer.md).

mod committer;
mod row;
#[cfg(test)]
mod tests;
mod tx;

pub use row::Row;
pub use tx::Tx;

use crate::{
    broker::Emit,
    error::{Error, Result},
    notice::{Audience, EventName, Notice, Origin, Seq},
    store::Store,
};
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::{
    Notify,
    mpsc::{self, error::TrySendError},
    oneshot,
};

/// Changes that wait for the committer; more are told 503, so that a stuck disk can't fill memory.
const WAITING_MAX: usize = 4096;

/// What a change came to.
#[derive(Debug)]
pub struct Committed<T> {
    /// What the change's own code returned.
    pub value: T,
    /// Its last notice; the newest of all when it told nothing. For `X-Herald-Seq`.
    pub seq: Seq,
}

/// Told what became of the batch: the newest place of this change, or why nothing was committed.
type Answer = Box<dyn FnOnce(Result<Seq>) + Send>;
/// Work, ready to run: whether it is to be kept, and whom to tell.
type Work = Box<dyn for<'t> FnOnce(&'t mut Tx) -> LocalBoxFuture<'t, (bool, Answer)> + Send>;

/// What waits for the committer.
enum Change {
    /// To be done in a transaction.
    Work(Work),
    /// A live notice, which only takes its turn.
    Live(Arc<Notice>, Answer),
}

/// The way to the committer; cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    changes: mpsc::Sender<Change>,
    closing: Arc<Notify>,
}

/// Where committed notices go: the broker's mailbox. Losing a message is allowed.
pub type Told = Box<dyn Fn(Emit) + Send>;

impl Outbox {
    /// Starts the committer on a thread of its own; it ends when the last `Outbox` is dropped, or one
    /// is closed, and everything accepted is committed.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(store: Store, told: Told) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let (sender, waiting) = mpsc::channel(WAITING_MAX);
        let closing = Arc::new(Notify::new());
        let closed = closing.clone();
        let thread = std::thread::Builder::new().name("committer".into()).spawn(move || {
            committer::run(store, waiting, &closed, told);
        })?;
        Ok((Self { changes: sender, closing }, thread))
    }

    /// Ends the committer when everything accepted is committed, whoever else still has an `Outbox`:
    /// what keeps a connection's handlers must not keep the process.
    pub fn close(&self) {
        self.closing.notify_one();
    }

    /// Runs `work` in a transaction and commits it together with the notices that it told.
    ///
    /// # Errors
    /// What `work` returned: then nothing of it is kept and nothing is pushed. 503 when too many
    /// changes wait or the database is away: then nothing is kept either, unless the connection was
    /// lost in the middle of the commit itself.
    pub async fn commit<T, F>(&self, work: F) -> Result<Committed<T>>
    where
        T: Send + 'static,
        F: AsyncFnOnce(&mut Tx) -> Result<T> + Send + 'static,
    {
        let (tell, outcome) = oneshot::channel();
        let asker = Asker(Some(tell));
        let work: Work = Box::new(move |tx| {
            Box::pin(async move {
                match work(tx).await {
                    Ok(value) => {
                        let answer: Answer = Box::new(move |committed| {
                            asker.answer(committed.map(|seq| Committed { value, seq }));
                        });
                        (true, answer)
                    }
                    Err(error) => {
                        let answer: Answer = Box::new(move |_| {
                            asker.answer(Err(error));
                        });
                        (false, answer)
                    }
                }
            })
        });
        self.enqueue(Change::Work(work))?;
        // An asker always answers.
        outcome.await.unwrap_or(Err(Error::Internal))
    }

    /// Tells a notice that is live only, as [`Tx::tell_live`] does, in its turn among the changes. Where
    /// none of them waits, that costs no transaction.
    ///
    /// # Errors
    /// 500 when `body` is no object, 503 as for [`Outbox::commit`].
    pub async fn tell_live(
        &self,
        event: EventName,
        body: &impl Serialize,
        audience: Audience,
        origin: Option<Origin>,
    ) -> Result<Committed<()>> {
        let payload = tx::object(&event, body)?.into();
        let notice = Notice { seq: None, event, payload, audience, origin, effect: None };
        let (tell, outcome) = oneshot::channel();
        let asker = Asker(Some(tell));
        let answer: Answer = Box::new(move |told| asker.answer(told.map(|seq| Committed { value: (), seq })));
        self.enqueue(Change::Live(Arc::new(notice), answer))?;
        outcome.await.unwrap_or(Err(Error::Internal))
    }

    fn enqueue(&self, change: Change) -> Result<()> {
        self.changes.try_send(change).map_err(|refused| match refused {
            TrySendError::Full(_) => Error::Unavailable("too many changes are waiting".into()),
            TrySendError::Closed(_) => Error::Unavailable("this server is stopping".into()),
        })
    }
}

/// Whoever waits for the outcome of a change. Answered even if the change never runs or panics.
struct Asker<T>(Option<oneshot::Sender<Result<Committed<T>>>>);

impl<T> Asker<T> {
    fn answer(mut self, outcome: Result<Committed<T>>) {
        if let Some(tell) = self.0.take() {
            tell.send(outcome).ok();
        }
    }
}

impl<T> Drop for Asker<T> {
    fn drop(&mut self) {
        let Some(tell) = self.0.take() else { return };
        // Dropped by a panic of the change's own (logged by the committer), or with a batch that
        // could not even begin.
        tell.send(Err(if std::thread::panicking() {
            Error::Internal
        } else {
            Error::Unavailable("the change could not be committed".into())
        }))
        .ok();
    }
}
