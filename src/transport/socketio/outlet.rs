//! The way out of a Socket.IO connection: past the library where that is possible, else the library's
//! queue, with a bound in bytes put on both.

use super::asking::Asking;
use crate::{
    broker::{Cause, Frame, Outlet, Overflow},
    transport::{
        handover::Handover,
        queue::{CLOSING, LOW_WATER},
        receipts::Addressee,
    },
};
use actix_socketioxide::{Door, Frames, Link};
use futures_util::future::BoxFuture;
use socketioxide::extract::SocketRef;
use std::sync::Arc;

/// How a client's notifications are confirmed.
enum Confirming {
    /// By its acknowledgements.
    Acks(Asking),
    /// By their bytes, which left.
    Bytes(Handover<Link>),
}

/// Emits frames and counts their bytes; the mount counts those that have left. The difference waits
/// in this process, in whichever layer, over polling and websocket alike.
///
/// Once the connection is on a websocket of the mount's own, frames go past the library, each behind
/// what was emitted through it before. Not the first one, which follows the library's answer to
/// CONNECT, and not those whose acknowledgement the library has to wait for. Answers go the same way (`listener`).
pub struct SocketIoOutlet {
    socket: SocketRef,
    link: Link,
    door: Option<Door>,
    confirming: Confirming,
    max: usize,
    closed: bool,
}

impl SocketIoOutlet {
    /// For a socket whose link has carried no event yet, with at most `max` bytes waiting. The client
    /// acknowledges notifications, unless `acks` says that it does not.
    #[must_use]
    pub fn new(socket: SocketRef, link: Link, max: usize, addressee: Addressee, acks: bool) -> Self {
        let confirming = if acks {
            Confirming::Acks(Asking::new(addressee))
        } else {
            Confirming::Bytes(Handover::new(link.clone(), addressee))
        };
        Self { socket, link, door: None, confirming, max, closed: false }
    }

    /// The way to the client.
    pub const fn link(&self) -> &Link {
        &self.link
    }

    /// The way past the library, once it is open.
    pub fn open(&mut self) -> Option<Door> {
        if self.door.is_none() && self.emitted() > 0 {
            self.door = self.link.door();
        }
        self.door.clone()
    }

    /// Bytes of events that went to the library: what is put past it comes behind them.
    pub fn emitted(&self) -> u64 {
        self.link.emitted()
    }

    /// Most bytes that may wait.
    pub const fn max(&self) -> usize {
        self.max
    }

    /// Closes the connection because too much waits for it. Answers whether it was open until then.
    pub fn fall(&mut self) -> bool {
        let open = !self.closed && !self.link.is_closed();
        self.close(Cause::SlowConsumer);
        open
    }

    /// Bytes of all events so far.
    fn queued(&self) -> u64 {
        self.emitted() + self.door.as_ref().map_or(0, Door::put_bytes)
    }

    fn put(&self, door: &Door, frame: &Frame) -> Result<(), Overflow> {
        // It is whole: see `Frame::socket_io`.
        let Some(frames) = Frames::whole(frame.socket_io().clone()) else { return Err(Overflow) };
        door.put(&frames, self.emitted(), self.max).map_err(|_| Overflow)
    }

    fn emit(&mut self, frame: &Frame, ack: Option<u64>) -> Result<(), Overflow> {
        let waiting = self.queued().saturating_sub(self.link.event_bytes());
        let bytes = packet_bytes(frame, ack);
        if waiting > 0 && waiting + bytes > self.max as u64 {
            return Err(Overflow);
        }
        // The library drops what it has no place for. Nothing may be missing, so that is the end.
        match (&mut self.confirming, ack) {
            (Confirming::Acks(asking), Some(_)) => asking.emit(&self.socket, frame),
            _ => self.socket.emit(&*frame.event, frame.raw()),
        }
        .map_err(|_| Overflow)?;
        self.link.emits(bytes);
        Ok(())
    }
}

/// Bytes of the packet's text as the mount counts it: `42["event",payload]`, with the number of its
/// acknowledgement behind the `42` if it asks for one. Exactly: what is counted wrong here never comes
/// right again on a connection that lives for days.
fn packet_bytes(frame: &Frame, ack: Option<u64>) -> u64 {
    let ack = ack.map_or(0, |ack| 1 + ack.checked_ilog10().unwrap_or(0) as usize);
    let plain = frame.event.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
    let event =
        if plain { frame.event.len() + "\"\"".len() } else { serde_json::Value::from(&*frame.event).to_string().len() };
    ("42[,]".len() + ack + event + frame.payload.len()) as u64
}

impl Outlet for SocketIoOutlet {
    /// A single frame that is larger than the bound still passes when nothing else waits.
    fn send(&mut self, frame: &Arc<Frame>) -> Result<(), Overflow> {
        if self.closed {
            return Err(Overflow);
        }
        let confirmed = frame.wants_confirmation();
        let ack = match &self.confirming {
            Confirming::Acks(asking) if confirmed => asking.next(),
            _ => None,
        };
        match self.open() {
            Some(door) if ack.is_none() => self.put(&door, frame)?,
            _ => self.emit(frame, ack)?,
        }
        if let Confirming::Bytes(handover) = &self.confirming
            && confirmed
        {
            handover.add(self.queued(), frame);
        }
        Ok(())
    }

    fn drained(&self) -> BoxFuture<'static, ()> {
        let (queued, link) = (self.queued(), self.link.clone());
        Box::pin(async move {
            loop {
                // Listen before looking, or what happens between the two is missed.
                let progress = link.written_progress();
                if link.is_closed() || queued.saturating_sub(link.event_bytes()) <= LOW_WATER as u64 {
                    return;
                }
                progress.await;
            }
        })
    }

    /// Cuts the stream: nothing less frees a session whose reader is stuck, and standard clients take
    /// a lost transport as a reason to come back and resume, or to hear that their token is no
    /// longer good. A DISCONNECT packet would tell them to stay away, which only an administrator
    /// means; it gets a moment to arrive.
    fn close(&mut self, cause: Cause) {
        self.closed = true;
        let link = self.link.clone();
        match (cause, tokio::runtime::Handle::try_current()) {
            (Cause::Disconnected, Ok(runtime)) => {
                // Ending the socket cuts the link (`admission::listen`), and too soon for the packet.
                self.socket.on_disconnect(|| std::future::ready(()));
                let _ = self.socket.clone().disconnect();
                runtime.spawn(async move {
                    let _ = tokio::time::timeout(CLOSING, link.closed()).await;
                    link.cut();
                });
            }
            _ => link.cut(),
        }
    }
}

/// An outlet that nobody holds any more leads nowhere: its client would wait in vain.
impl Drop for SocketIoOutlet {
    fn drop(&mut self) {
        if !self.closed {
            self.link.cut();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packets_bytes_are_those_of_its_text() {
        for event in ["ready", "incoming data", "a\"b", "a\\b", "a\nb", "\u{1}", "ä"] {
            let frame = Frame::new(event, None, "{\"a\":1}");
            let text = format!("[{},{{\"a\":1}}]", serde_json::Value::from(event));
            assert_eq!(packet_bytes(&frame, None), format!("42{text}").len() as u64, "{event:?}");
            for ack in [1, 9, 10, 99, 100, 12_345] {
                assert_eq!(packet_bytes(&frame, Some(ack)), format!("42{ack}{text}").len() as u64, "{event:?}");
            }
        }
    }
}
