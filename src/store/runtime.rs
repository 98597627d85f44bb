//! Where SQLite's blocking calls run: decided once for each connection, when it is opened.
//!
//! - **In place**, on the thread that asks: the committer's connection, since its thread does nothing else, and
//!   those for look-ups by key ([`super::Store::lookup`]), since a hop to another thread and back costs several times
//!   what such a statement does.
//! - **Elsewhere**, on tokio's blocking threads: all others, so that a long query does not hold up a worker.

use diesel_async::sync_connection_wrapper::SpawnBlocking;
use futures_util::future::BoxFuture;
use std::{
    cell::Cell,
    error::Error,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::Mutex;

thread_local! {
    /// What the connection that is being opened is to be. There is no other way to tell it:
    /// diesel-async makes the runtime itself, without an argument.
    static IN_PLACE: Cell<bool> = const { Cell::new(false) };
}

/// Runs the calls of one connection.
pub enum Runtime {
    /// On the calling thread.
    InPlace,
    /// On a blocking thread.
    Elsewhere {
        /// Held by the call that runs, until it let go of the connection. A caller may go away in the
        /// middle of its call (its client hung up, its body was refused), the call itself does not.
        turn: Arc<Mutex<()>>,
    },
}

impl SpawnBlocking for Runtime {
    fn spawn_blocking<'a, R>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> BoxFuture<'a, Result<R, Box<dyn Error + Send + Sync + 'static>>>
    where
        R: Send + 'static,
    {
        let turn = match self {
            Self::InPlace => {
                let result = task();
                return Box::pin(std::future::ready(Ok(result)));
            }
            Self::Elsewhere { turn } => turn.clone(),
        };
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
        if IN_PLACE.get() { Self::InPlace } else { Self::Elsewhere { turn: Arc::default() } }
    }
}

/// Opens a connection whose calls run in place.
pub(super) async fn opened_in_place<F: Future>(opening: F) -> F::Output {
    InPlace(pin!(opening)).await
}

/// Lets [`Runtime::get_runtime`] know, at each poll and only for its time.
struct InPlace<'a, F>(Pin<&'a mut F>);

impl<F: Future> Future for InPlace<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let before = IN_PLACE.replace(true);
        let polled = self.0.as_mut().poll(cx);
        IN_PLACE.set(before);
        polled
    }
}
