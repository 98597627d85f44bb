//! Who lies in a shard, and the work of its task.

use super::{Command, Shard, batch::Pushes, round::Round};
use crate::{
    broker::{Outlet, Overflow},
    transport::socketio::outlet::SocketIoOutlet,
};
use actix_socketioxide::Door;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// After so many connections others on this thread have their turn, and what came meanwhile is taken in: 5,000
/// in one go would keep them waiting for 16 ms.
const TURN: usize = 128;

/// The connections of a shard, by their indices, and what is to be written to them.
pub struct Desk {
    shard: Arc<Shard>,
    seated: Vec<Option<Seated>>,
    pushes: Pushes,
    round: Round,
    replayed_at: Instant,
}

/// One connection. What every notice touches is here; the rest is behind the box.
struct Seated {
    /// Once it is open.
    door: Option<Door>,
    /// What was emitted through the library comes first.
    behind: u64,
    /// Most bytes that may wait.
    max: usize,
    outlet: Box<SocketIoOutlet>,
}

impl Desk {
    pub fn new(shard: Arc<Shard>) -> Self {
        Self {
            shard,
            seated: Vec::new(),
            pushes: Pushes::default(),
            round: Round::default(),
            replayed_at: Instant::now(),
        }
    }

    /// Takes in what was asked for, in order. What is for one connection follows what it was to get before.
    /// Answers how many bytes of it are done.
    pub fn take_in(&mut self, commands: &mut Vec<Command>) -> usize {
        let mut done = 0;
        for command in commands.drain(..) {
            let (bytes, replayed) = (command.bytes(), command.replayed());
            if let Command::Push(frames, to) = command {
                let push = self.pushes.add(frames, to.len(), bytes);
                self.round.add(push, &to);
                continue;
            }
            if let Command::Replay(frames, index) = command {
                self.replayed_at = Instant::now();
                let push = self.pushes.add_replayed(frames, bytes, replayed);
                self.round.add(push, &[index]);
                continue;
            }
            done += bytes;
            match command {
                Command::Push(..) | Command::Replay(..) => {}
                Command::Add(index, outlet) => {
                    // Whoever was at this index was removed before, and all was written then.
                    if self.seated.len() <= index as usize {
                        self.seated.resize_with(index as usize + 1, || None);
                    }
                    self.seated[index as usize] = Some(Seated { door: None, behind: 0, max: outlet.max(), outlet });
                }
                Command::Drain(index, say) => {
                    done += self.write(index);
                    if let Some(seated) = self.at(index) {
                        let drained = seated.outlet.drained();
                        tokio::spawn(async move {
                            drained.await;
                            // Nobody may want to know any more.
                            let _ = say.send(());
                        });
                    }
                }
                Command::Close(index, cause) => {
                    done += self.write(index);
                    if let Some(seated) = self.at(index) {
                        seated.outlet.close(cause);
                    }
                }
                Command::GiveUp => {
                    while let Some(bytes) = self.write_next() {
                        done += bytes;
                    }
                    for seated in self.seated.iter_mut().flatten() {
                        seated.fall(&self.shard);
                    }
                }
                Command::Remove(index) => {
                    done += self.write(index);
                    self.seated[index as usize] = None;
                }
            }
        }
        done + self.pushes.let_go()
    }

    /// Writes to those whose turn it is. Answers how many bytes of what was asked for are done with that.
    pub fn turn(&mut self) -> usize {
        (0..TURN).map_while(|_| self.write_next()).sum()
    }

    /// Whether there is nothing to write.
    pub fn is_idle(&self) -> bool {
        self.round.is_empty()
    }

    /// How much of replays is done since this was last asked.
    pub fn take_replayed(&mut self) -> usize {
        self.pushes.take_replayed()
    }

    /// Whether it remembers something of replays.
    pub fn remembers(&self) -> bool {
        self.pushes.remember()
    }

    /// Forgets the replays if there was none for so long.
    pub fn forget(&mut self, after: Duration) {
        if self.remembers() && self.replayed_at.elapsed() >= after {
            self.pushes.forget();
        }
    }

    /// Gives back what a burst has grown.
    pub fn shrink(&mut self) {
        self.round.shrink();
    }

    fn write_next(&mut self) -> Option<usize> {
        let Self { shard, seated, pushes, round, .. } = self;
        let (index, run) = round.next()?;
        Some(give(shard, seated, pushes, index, run))
    }

    /// Writes to this one what waits for it.
    fn write(&mut self, index: u32) -> usize {
        let Self { shard, seated, pushes, round, .. } = self;
        give(shard, seated, pushes, index, round.take(index))
    }

    fn at(&mut self, index: u32) -> Option<&mut Seated> {
        self.seated.get_mut(index as usize)?.as_mut()
    }
}

fn give(shard: &Shard, seated: &mut [Option<Seated>], pushes: &mut Pushes, index: u32, run: &[u64]) -> usize {
    if !run.is_empty()
        && let Some(Some(seated)) = seated.get_mut(index as usize)
        && seated.write(run, pushes).is_err()
    {
        seated.fall(shard);
    }
    pushes.written(run)
}

impl Seated {
    fn write(&mut self, run: &[u64], pushes: &mut Pushes) -> Result<(), Overflow> {
        if let Some(door) = &self.door
            && !pushes.are_emitted(run)
        {
            let mut pieces = pushes.pieces(run).iter();
            return pieces.try_for_each(|piece| door.put(piece, self.behind, self.max)).map_err(|_| Overflow);
        }
        for push in run {
            // Else the replay behind `ready` would be as many pieces as it has frames.
            if let Some(whole) = pushes.piece(*push)
                && let Some(door) = self.outlet.open()
            {
                door.put(whole, self.outlet.emitted(), self.outlet.max()).map_err(|_| Overflow)?;
                continue;
            }
            pushes.frames(*push).iter().try_for_each(|frame| self.outlet.send(frame))?;
        }
        (self.door, self.behind) = (self.outlet.open(), self.outlet.emitted());
        Ok(())
    }

    /// It could not keep up.
    fn fall(&mut self, shard: &Shard) {
        if self.outlet.fall() {
            shard.fell();
        }
    }
}
