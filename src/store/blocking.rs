//! How SQLite's blocking calls run elsewhere: on tokio's blocking threads, one call of a connection at a time.

use diesel_async::sync_connection_wrapper::SpawnBlocking;
use futures_util::future::BoxFuture;
use std::{error::Error, sync::Arc};
use tokio::sync::Mutex;

/// Runs the calls of one connection.
#[derive(Default)]
pub struct Blocking {
    /// Held by the call that runs, until it let go of the connection. A caller may go away in the middle of
    /// its call (its client hung up, its body was refused), the call itself does not.
    turn: Arc<Mutex<()>>,
}

impl SpawnBlocking for Blocking {
    fn spawn_blocking<'a, R>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> BoxFuture<'a, Result<R, Box<dyn Error + Send + Sync + 'static>>>
    where
        R: Send + 'static,
    {
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
        Self::default()
    }
}
