//! Who lies in a shard, and the work of its task.

use super::{
    Command, Shard,
    batch::{Order, Pushes},
};
use crate::{
    broker::{Outlet, Overflow},
    transport::socketio::outlet::SocketIoOutlet,
};
use actix_socketioxide::Door;
use std::sync::Arc;

/// After so many connections others on this thread have their turn: 5,000 in one go would keep them
/// waiting for 16 ms.
const TURN: usize = 256;

/// The connections of a shard, by their indices, and what is to be written to them.
pub struct Desk {
    shard: Arc<Shard>,
    seated: Vec<Option<Seated>>,
    pushes: Pushes,
    order: Order,
}

/// One connection. What every notice touches is here; the rest is behind the box.
struct Seated {
    /// Once it is open.
    door: Option<Door>,
    /// What was emitted through the library comes first.
    behind: u64,
    outlet: Box<SocketIoOutlet>,
}

impl Desk {
    pub fn new(shard: Arc<Shard>) -> Self {
        Self { shard, seated: Vec::new(), pushes: Pushes::default(), order: Order::default() }
    }

    /// Does what was asked for, in order.
    pub async fn work(&mut self, commands: &mut Vec<Command>) {
        for command in commands.drain(..) {
            match command {
                Command::Push(frames, to) => {
                    self.pushes.add(frames);
                    self.order.add(to);
                    if self.pushes.is_full() {
                        self.write().await;
                    }
                }
                Command::Add(index, outlet) => {
                    // Whoever was at this index was removed before, and all was written then.
                    if self.seated.len() <= index as usize {
                        self.seated.resize_with(index as usize + 1, || None);
                    }
                    self.seated[index as usize] = Some(Seated { door: None, behind: 0, outlet });
                }
                Command::Drain(index, say) => {
                    self.write().await;
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
                    self.write().await;
                    if let Some(seated) = self.at(index) {
                        seated.outlet.close(cause);
                    }
                }
                Command::GiveUp => {
                    self.write().await;
                    for seated in self.seated.iter_mut().flatten() {
                        seated.fall(&self.shard);
                    }
                }
                Command::Remove(index) => {
                    self.write().await;
                    self.seated[index as usize] = None;
                }
            }
        }
        self.write().await;
    }

    /// Writes what was gathered.
    async fn write(&mut self) {
        if self.pushes.is_empty() {
            return;
        }
        for at in 0..self.order.sort() {
            if at % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
            let (index, run) = self.order.run(at);
            if let Some(Some(seated)) = self.seated.get_mut(index as usize)
                && seated.write(run, &mut self.pushes).is_err()
            {
                seated.fall(&self.shard);
            }
        }
        self.pushes.clear();
        self.order.clear();
    }

    fn at(&mut self, index: u32) -> Option<&mut Seated> {
        self.seated.get_mut(index as usize)?.as_mut()
    }
}

impl Seated {
    fn write(&mut self, run: &[u32], pushes: &mut Pushes) -> Result<(), Overflow> {
        if let Some(door) = &self.door
            && !pushes.are_emitted(run)
        {
            return door.put(pushes.whole(run), self.behind, self.outlet.max()).map_err(|_| Overflow);
        }
        for frame in pushes.each(run) {
            self.outlet.send(frame)?;
        }
        (self.door, self.behind) = (self.outlet.door(), self.outlet.emitted());
        Ok(())
    }

    /// It could not keep up.
    fn fall(&mut self, shard: &Shard) {
        if self.outlet.fall() {
            shard.fell();
        }
    }
}
