//! Where SQLite's blocking calls run.
//!
//! The committer's thread does nothing else, so its queries run right there: a hop to another
//! thread and back per statement would cost more than the statement. Everybody else's queries go
//! to tokio's blocking threads, so that a long one does not hold up a worker.

use diesel_async::sync_connection_wrapper::SpawnBlocking;
use futures_util::future::BoxFuture;
use std::{cell::Cell, error::Error, sync::Arc};
use tokio::sync::Mutex;

thread_local! {
    static IN_PLACE: Cell<bool> = const { Cell::new(false) };
}

/// From now on this thread runs its SQLite queries itself.
pub fn run_queries_in_place() {
    IN_PLACE.set(true);
}

/// Chooses by the calling thread, at each call. Each connection has one.
pub struct Runtime {
    /// Held by the call that runs, until it let go of the connection. A caller may go away in the
    /// middle of its call (its client hung up, its body was refused), the call itself does not.
    turn: Arc<Mutex<()>>,
}

impl SpawnBlocking for Runtime {
    fn spawn_blocking<'a, R>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> BoxFuture<'a, Result<R, Box<dyn Error + Send + Sync + 'static>>>
    where
        R: Send + 'static,
    {
        if IN_PLACE.get() {
            let result = task();
            return Box::pin(async move { Ok(result) });
        }
        let turn = self.turn.clone();
        Box::pin(async move {
            let turn = turn.lock_owned().await;
            let running = tokio::task::spawn_blocking(move || {
                let result = task();
                drop(turn);
                result
            });
            running.await.map_err(Into::into)
        })
    }

    fn get_runtime() -> Self {
        Self { turn: Arc::default() }
    }
}
