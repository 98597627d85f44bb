//! The order of one connection's affairs: one step at a time, in the order in which they came, and
//! no task while there is nothing to do (most connections are idle most of the time, and an idle
//! task with its channel would cost some kilobytes each).

use std::{
    collections::VecDeque,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Most steps that may wait. A client that rejoins the 100 rooms it may be in, in one burst, must
/// fit; one that floods must not fill the memory.
pub const STEPS_MAX: usize = 256;

/// Who does the steps.
pub trait Work: Send + 'static {
    /// One step.
    type Step: Send + 'static;

    /// Does one step; the next begins when this has ended.
    fn work(&mut self, step: Self::Step) -> impl Future<Output = ()> + Send;
}

/// Steps in a row, and whoever does them. Clones are the same lane; when the last is gone, the
/// worker is dropped after the step that it is at.
pub struct Lane<W: Work>(Arc<Mutex<State<W>>>);

struct State<W: Work> {
    /// Away while it works.
    worker: Option<W>,
    waiting: VecDeque<W::Step>,
    ended: bool,
}

/// As many steps wait as may; this one was not taken.
#[derive(Debug)]
pub struct Full<S>(pub S);

impl<W: Work> Lane<W> {
    /// An idle lane.
    pub fn new(worker: W) -> Self {
        Self(Arc::new(Mutex::new(State { worker: Some(worker), waiting: VecDeque::new(), ended: false })))
    }

    /// Adds a step behind all others; never waits. What is added after the end is dropped: nobody is
    /// left to hear the answer. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`Full`] with the step when [`STEPS_MAX`] steps wait.
    pub fn push(&self, step: W::Step) -> Result<(), Full<W::Step>> {
        let mut state = self.lock();
        if state.ended {
            return Ok(());
        }
        if state.waiting.len() >= STEPS_MAX {
            return Err(Full(step));
        }
        state.waiting.push_back(step);
        if let Some(worker) = state.worker.take() {
            tokio::spawn(self.clone().run(worker));
        }
        Ok(())
    }

    /// Does this now, if it is its turn: nothing is being done and nothing waits. It must be short, since it is
    /// done on the calling thread under the lane's lock, and must not come back to the lane.
    pub fn if_idle<R>(&self, now: impl FnOnce(&mut W) -> R) -> Option<R> {
        let mut state = self.lock();
        state.worker.as_mut().map(now)
    }

    /// Ends the lane: what waits is dropped, and so is the worker, after the step that it is at.
    pub fn end(&self) {
        let (worker, waiting) = {
            let mut state = self.lock();
            state.ended = true;
            (state.worker.take(), std::mem::take(&mut state.waiting))
        };
        // Dropped without the lock: both may have much to do when they go.
        drop((worker, waiting));
    }

    async fn run(self, mut worker: W) {
        while let Some((mut at_work, step)) = self.next(worker) {
            at_work.work(step).await;
            worker = at_work;
        }
    }

    /// The next step for the worker; or none, and the worker rests (after the end, for good).
    fn next(&self, worker: W) -> Option<(W, W::Step)> {
        let mut state = self.lock();
        if let Some(step) = state.waiting.pop_front() {
            return Some((worker, step));
        }
        // What a burst has grown is not kept for the idle time that follows.
        state.waiting = VecDeque::new();
        if !state.ended {
            state.worker = Some(worker);
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Work> Clone for Lane<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

    /// Says what it does, and yields in the middle of it, so that a second one at work would be seen.
    struct Scribe(UnboundedSender<String>);

    impl Work for Scribe {
        type Step = usize;
        async fn work(&mut self, step: usize) {
            let _ = self.0.send(format!("begin {step}"));
            tokio::task::yield_now().await;
            let _ = self.0.send(format!("end {step}"));
        }
    }

    fn lane() -> (Lane<Scribe>, UnboundedReceiver<String>) {
        let (says, hears) = unbounded_channel();
        (Lane::new(Scribe(says)), hears)
    }

    #[tokio::test]
    async fn steps_are_done_one_after_the_other_in_the_order_given() {
        let (lane, mut hears) = lane();
        for round in [0..100, 100..200] {
            for step in round.clone() {
                lane.push(step).expect("there is room");
                if step % 7 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            for step in round {
                assert_eq!(hears.recv().await, Some(format!("begin {step}")));
                assert_eq!(hears.recv().await, Some(format!("end {step}")));
            }
        }
    }

    #[tokio::test]
    async fn what_is_short_is_done_at_once_in_its_turn_and_not_before() {
        let (lane, mut hears) = lane();
        let speak = |scribe: &mut Scribe| scribe.0.send("at once".to_owned()).expect("is heard");
        assert!(lane.if_idle(speak).is_some());
        lane.push(1).expect("there is room");
        assert!(lane.if_idle(speak).is_none(), "one waits");
        assert_eq!(hears.recv().await.as_deref(), Some("at once"));
        assert_eq!(hears.recv().await.as_deref(), Some("begin 1"));
        assert!(lane.if_idle(speak).is_none(), "it is at work");
        assert_eq!(hears.recv().await.as_deref(), Some("end 1"));
        lane.end();
        assert!(lane.if_idle(speak).is_none(), "it has ended");
    }

    #[tokio::test]
    async fn a_flood_is_refused_and_what_came_before_is_done() {
        let (lane, mut hears) = lane();
        // Nothing runs before the first await.
        for step in 0..STEPS_MAX {
            lane.push(step).expect("there is room");
        }
        assert_eq!(lane.push(STEPS_MAX).expect_err("is full").0, STEPS_MAX);
        for _ in 0..2 * STEPS_MAX {
            hears.recv().await.expect("is done");
        }
        lane.push(1).expect("there is room again");
    }

    #[tokio::test]
    async fn at_the_end_the_worker_goes_and_nothing_more_is_done() {
        let (lane, mut hears) = lane();
        lane.push(1).expect("there is room");
        lane.push(2).expect("there is room");
        assert_eq!(hears.recv().await.as_deref(), Some("begin 1"));
        lane.end();
        lane.push(3).expect("is dropped");
        assert_eq!(hears.recv().await.as_deref(), Some("end 1"));
        assert_eq!(hears.recv().await, None, "the worker is gone");
    }

    #[tokio::test]
    async fn an_idle_worker_goes_with_the_last_lane() {
        let (lane, mut hears) = lane();
        drop(lane.clone());
        lane.push(1).expect("there is room");
        assert_eq!(hears.recv().await.as_deref(), Some("begin 1"));
        drop(lane);
        assert_eq!(hears.recv().await.as_deref(), Some("end 1"));
        assert_eq!(hears.recv().await, None);
    }
}
