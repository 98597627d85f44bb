//! The way out of a Socket.IO connection: the library's queue, with a bound in bytes put on it.

use super::asking::Asking;
use crate::{
    broker::{Carrier, Cause, Frame, Outlet, Overflow, WireInfo},
    transport::{
        handover::Handover,
        queue::{CLOSING, LOW_WATER},
        receipts::Addressee,
    },
};
use actix_socketioxide::Link;
use futures_util::future::BoxFuture;
use socketioxide::extract::SocketRef;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

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
/// Only `/` emits events as yet. What `/admin` will emit leaves over the same link and is counted
/// there, so it must be added to `queued` as well.
pub struct SocketIoOutlet {
    socket: SocketRef,
    link: Link,
    queued: Arc<AtomicU64>,
    confirming: Confirming,
    max: u64,
    closed: bool,
}

impl SocketIoOutlet {
    /// For a socket whose link has carried no event yet, with at most `max` bytes waiting. The client
    /// acknowledges notifications, unless `acks` says that it does not.
    #[must_use]
    pub fn new(socket: SocketRef, link: Link, max: u64, addressee: Addressee, acks: bool) -> Self {
        let confirming = if acks {
            Confirming::Acks(Asking::new(addressee))
        } else {
            Confirming::Bytes(Handover::new(link.clone(), addressee))
        };
        Self { socket, link, queued: Arc::default(), confirming, max, closed: false }
    }
}

fn backlog(queued: &AtomicU64, link: &Link) -> u64 {
    queued.load(Ordering::Acquire).saturating_sub(link.event_bytes())
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
        let confirming = frame.wants_confirmation().then_some(&mut self.confirming);
        let ack = match &confirming {
            Some(Confirming::Acks(asking)) => asking.next(),
            _ => None,
        };
        let (waiting, bytes) = (backlog(&self.queued, &self.link), packet_bytes(frame, ack));
        if self.closed || (waiting > 0 && waiting + bytes > self.max) {
            return Err(Overflow);
        }
        let mark = self.queued.fetch_add(bytes, Ordering::AcqRel) + bytes;
        // The library drops what it has no place for. Nothing may be missing, so that is the end.
        match (confirming, ack) {
            (Some(Confirming::Acks(asking)), Some(_)) => asking.emit(&self.socket, frame).map_err(|_| Overflow),
            (confirming, _) => {
                self.socket.emit(&*frame.event, frame.raw()).map_err(|_| Overflow)?;
                if let Some(Confirming::Bytes(handover)) = confirming {
                    handover.add(mark, frame);
                }
                Ok(())
            }
        }
    }

    fn drained(&self) -> BoxFuture<'static, ()> {
        let (queued, link) = (Arc::clone(&self.queued), self.link.clone());
        Box::pin(async move {
            loop {
                // Listen before looking, or what happens between the two is missed.
                let progress = link.written_progress();
                if link.is_closed() || backlog(&queued, &link) <= LOW_WATER as u64 {
                    return;
                }
                progress.await;
            }
        })
    }

    fn wire(&self) -> WireInfo {
        let carrier = if self.link.is_websocket() { Carrier::WebSocket } else { Carrier::Polling };
        WireInfo { address: self.link.peer().map(|peer| peer.ip()), carrier: Some(carrier) }
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
