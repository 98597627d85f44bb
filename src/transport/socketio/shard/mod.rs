//! Shards: the connections of one worker, written to from one place (decision 17).
//!
//! The broker decides the order; it hands each shard what its connections are to get, as commands in a
//! queue, and wakes its task once. The task takes in all that waits, and writes to one connection after the
//! other, to each in one call what it is to get of it; what comes in between goes with that.

mod batch;
mod desk;
mod outlet;
mod round;

use super::outlet::SocketIoOutlet;
use crate::broker::{self, Cause, Frame, Stretch};
use desk::Desk;
use std::{
    collections::HashMap,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::ThreadId,
    time::Duration,
};
use tokio::sync::{Notify, oneshot};

pub use outlet::ShardOutlet;

/// Bytes that may wait for a shard. A worker that is busy with something else for so long that more
/// comes in holds the broker back, instead of filling the memory.
const LAG_MAX: usize = 16 << 20;
/// How long the broker is held back. Others wait behind it, so a worker that does not move for so long
/// is given up: its connections are closed as slow consumers and resume.
const LAG_WAIT: Duration = Duration::from_secs(1);
/// What a command takes in memory beside its frames, about.
const COMMAND_BYTES: usize = 128;
/// While more bytes of replays than this wait to be written, the broker keeps further ones back: live
/// notices wait behind them.
const REPLAYS_MAX: usize = 2 << 20;
/// For so long it is remembered what replays were put together, once there are none.
const REMEMBERED: Duration = Duration::from_secs(10);

/// What a shard is to do.
enum Command {
    /// Someone new at this index.
    Add(u32, Box<SocketIoOutlet>),
    /// These frames, in order, to each of these.
    Push(Stretch, Vec<u32>),
    /// The same of a replay, to this one.
    Replay(Stretch, u32),
    /// Says when all that was pushed to this one has left but for a little.
    Drain(u32, oneshot::Sender<()>),
    /// Closes this one.
    Close(u32, Cause),
    /// Nobody at this index any more.
    Remove(u32),
    /// Something was not taken here: nobody added so far knows any more what they missed.
    GiveUp,
}

/// The shards of one server, one for each thread that lets connections in. Clones are the same.
#[derive(Clone, Default)]
pub struct Shards(Arc<Mutex<HashMap<ThreadId, Arc<Shard>>>>);

impl Shards {
    /// The one of this thread, which must run a tokio runtime.
    pub fn here(&self) -> Arc<Shard> {
        let mut shards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let here = std::thread::current().id();
        match shards.get(&here) {
            Some(shard) if !shard.lock().dead => Arc::clone(shard),
            _ => {
                let shard = Arc::<Shard>::default();
                shards.insert(here, Arc::clone(&shard));
                tokio::spawn(Arc::clone(&shard).run());
                shard
            }
        }
    }
}

/// The queue before the connections of one thread.
#[derive(Default)]
pub struct Shard {
    state: Mutex<State>,
    wake: Notify,
    /// Less waits than before, or the shard is dead.
    eased: Condvar,
    fallen: AtomicU64,
}

#[derive(Default)]
struct State {
    queue: Vec<Command>,
    /// In the queue, and taken out but not yet done.
    bytes: usize,
    /// Of replays alone, as they will be written. Their frames are in memory all the same.
    replays: usize,
    /// Indices without anyone, and the first that never had anyone.
    free: Vec<u32>,
    fresh: u32,
    /// Nobody waits for it any more, until less is in it again.
    given_up: bool,
    /// Its thread has ended.
    dead: bool,
}

impl Shard {
    /// Takes a connection in.
    pub fn add(self: &Arc<Self>, outlet: SocketIoOutlet) -> ShardOutlet {
        let link = outlet.link().clone();
        let mut state = self.lock();
        let index = state.free.pop().unwrap_or_else(|| {
            state.fresh += 1;
            state.fresh - 1
        });
        self.queue(state, Command::Add(index, Box::new(outlet)));
        ShardOutlet::new(Arc::clone(self), index, link)
    }

    fn command(&self, command: Command) {
        self.queue(self.lock(), command);
    }

    /// Gives an index back. What is queued later under this index is another's.
    fn remove(&self, index: u32) {
        let mut state = self.lock();
        state.free.push(index);
        self.queue(state, Command::Remove(index));
    }

    fn queue(&self, state: MutexGuard<'_, State>, command: Command) {
        Self::put(state, command);
        self.wake.notify_one();
    }

    /// For the task to find when it is woken.
    fn put(mut state: MutexGuard<'_, State>, command: Command) {
        if state.dead {
            // What is dropped with the command may want the lock.
            drop(state);
            return drop(command);
        }
        state.bytes += command.bytes();
        state.replays += command.replayed();
        state.queue.push(command);
    }

    async fn run(self: Arc<Self>) {
        // In this order, so that the connections go first.
        let _dying = Dying(Arc::clone(&self));
        let mut desk = Desk::new(Arc::clone(&self));
        let mut commands = Vec::new();
        loop {
            std::mem::swap(&mut self.lock().queue, &mut commands);
            if commands.is_empty() && desk.is_idle() {
                // What a burst has grown is not kept for the idle time that follows.
                if commands.capacity() > 1024 {
                    commands = Vec::new();
                }
                desk.shrink();
                desk.forget(REMEMBERED);
                if desk.remembers() && tokio::time::timeout(REMEMBERED, self.wake.notified()).await.is_ok() {
                    continue;
                }
                desk.forget(Duration::ZERO);
                self.wake.notified().await;
                continue;
            }
            let done = desk.take_in(&mut commands) + desk.turn();
            let more = {
                let mut state = self.lock();
                state.bytes -= done;
                state.replays -= desk.take_replayed();
                !state.queue.is_empty()
            };
            if done > 0 {
                self.eased.notify_all();
            }
            if more || !desk.is_idle() {
                // Others on this thread have their turn, however fast commands come.
                tokio::task::yield_now().await;
            }
        }
    }

    /// Puts down what goes to connections, unless nobody waits for the shard any more.
    fn deliver(&self, command: Command) {
        let mut state = self.lock();
        if state.bytes > LAG_MAX && !state.given_up {
            self.wake.notify_one();
            let behind = |state: &mut State| state.bytes > LAG_MAX && !state.dead;
            state = self
                .eased
                .wait_timeout_while(state, LAG_WAIT, behind)
                .map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        }
        state.given_up = state.bytes > LAG_MAX && !state.dead;
        if !state.given_up {
            Self::put(state, command);
        } else if !matches!(state.queue.last(), Some(Command::GiveUp)) {
            // At this place of the order, so that nobody hears anything behind the gap.
            Self::put(state, Command::GiveUp);
        }
    }

    fn fell(&self) {
        self.fallen.fetch_add(1, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl broker::Shard for Shard {
    fn push(&self, frames: &[Arc<Frame>], to: &[u32]) {
        self.deliver(Command::Push(frames.into(), to.to_vec()));
    }

    fn wake(&self) {
        self.wake.notify_one();
    }

    fn fallen(&self) -> u64 {
        self.fallen.load(Ordering::Relaxed)
    }

    fn is_busy(&self) -> bool {
        let state = self.lock();
        state.replays > REPLAYS_MAX && !state.dead
    }
}

impl Command {
    fn bytes(&self) -> usize {
        let more = match self {
            Self::Push(frames, to) => {
                frames.iter().map(|frame| frame.payload.len()).sum::<usize>() + to.len() * size_of::<u32>()
            }
            Self::Replay(frames, _) => size_of_val(&**frames),
            _ => 0,
        };
        COMMAND_BYTES + more
    }

    fn replayed(&self) -> usize {
        match self {
            Self::Replay(frames, _) => frames.iter().map(|frame| frame.payload.len() + frame.event.len()).sum(),
            _ => 0,
        }
    }
}

/// Marks the shard dead when its task goes, which it does with its runtime: nobody must wait for it.
struct Dying(Arc<Shard>);

impl Drop for Dying {
    fn drop(&mut self) {
        let queue = {
            let mut state = self.0.lock();
            state.dead = true;
            std::mem::take(&mut state.queue)
        };
        self.0.eased.notify_all();
        drop(queue);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Shard as _;
    use std::time::Instant;

    fn large() -> Arc<Frame> {
        Frame::new("x", None, "x".repeat(1 << 20))
    }

    fn fill(shard: &Shard) {
        let frame = large();
        while shard.lock().bytes <= LAG_MAX {
            shard.push(std::slice::from_ref(&frame), &[0]);
        }
    }

    #[test]
    fn a_shard_that_is_far_behind_holds_the_broker_back_until_it_has_done_something() {
        let shard = Arc::<Shard>::default();
        fill(&shard);
        let waiting = shard.lock().queue.len();
        let pushing = std::thread::spawn({
            let shard = Arc::clone(&shard);
            move || shard.push(&[large()], &[0])
        });
        // What its task does, but later than the push began, or before it: both are fine.
        let done: Vec<Command> = std::mem::take(&mut shard.lock().queue);
        shard.lock().bytes = 0;
        shard.eased.notify_all();
        pushing.join().expect("it comes back");
        assert_eq!(done.len() + shard.lock().queue.len(), waiting + 1, "nothing was dropped");
        assert!(!shard.lock().given_up);
    }

    #[test]
    fn a_shard_that_does_nothing_is_given_up_where_something_was_not_taken_and_holds_nobody_back_again() {
        let shard = Shard::default();
        fill(&shard);
        let before = shard.lock().queue.len();
        shard.push(&[large()], &[0]);
        let again = Instant::now();
        shard.push(&[large()], &[0]);
        assert!(again.elapsed() < LAG_WAIT / 2);
        assert_eq!(shard.lock().queue.len(), before + 1);
        assert!(matches!(shard.lock().queue.last(), Some(Command::GiveUp)));

        // Whoever came after that misses something as well.
        shard.remove(0);
        shard.push(&[large()], &[0]);
        assert!(matches!(shard.lock().queue.last(), Some(Command::GiveUp)));

        // It is there again.
        shard.lock().bytes = 0;
        shard.push(&[large()], &[0]);
        assert!(matches!(shard.lock().queue.last(), Some(Command::Push(..))));
    }

    #[test]
    fn a_dead_shard_takes_nothing_and_holds_nobody_back() {
        let shard = Arc::<Shard>::default();
        fill(&shard);
        drop(Dying(Arc::clone(&shard)));
        let began = Instant::now();
        shard.push(&[large()], &[0]);
        let (say, mut said) = oneshot::channel();
        shard.command(Command::Drain(0, say));
        assert!(said.try_recv().is_err(), "dropped unsaid");
        assert!(shard.lock().queue.is_empty());
        assert!(began.elapsed() < LAG_WAIT / 2);
    }

    #[tokio::test]
    async fn while_much_of_replays_waits_a_shard_is_busy_but_they_cost_it_no_memory() {
        let shard = Shards::default().here();
        let stretch = Stretch::from([large()]);
        while !broker::Shard::is_busy(&*shard) {
            shard.deliver(Command::Replay(Arc::clone(&stretch), 0));
        }
        broker::Shard::wake(&*shard);
        let waits = || {
            let state = shard.lock();
            (state.replays, state.bytes)
        };
        assert!(waits().0 > REPLAYS_MAX && waits().1 < 1 << 10);
        while broker::Shard::is_busy(&*shard) {
            tokio::task::yield_now().await;
        }
        assert_eq!(waits(), (0, 0));
        shard.lock().replays = usize::MAX;
        drop(Dying(Arc::clone(&shard)));
        assert!(!broker::Shard::is_busy(&*shard), "nobody waits for the dead");
    }

    #[tokio::test]
    async fn a_thread_has_one_shard_and_another_once_that_is_dead() {
        let shards = Shards::default();
        let first = shards.here();
        assert!(Arc::ptr_eq(&first, &shards.here()));
        first.lock().dead = true;
        assert!(!Arc::ptr_eq(&first, &shards.here()));
    }
}
