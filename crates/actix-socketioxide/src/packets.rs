//! [`Frames`]: whole websocket frames, encoded once for any number of clients.

use crate::frames::FrameWalker;
use bytes::{BufMut, Bytes, BytesMut};

/// Complete websocket messages as a server sends them, to be put through any number of
/// [`Door`](crate::Door)s. Checked once, when it is made; a clone shares the bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frames {
    bytes: Bytes,
    event_bytes: u64,
}

impl Frames {
    /// One text frame with this Engine.IO packet, such as `42["event",1]`.
    pub fn text(packet: &str) -> Self {
        let mut frame = BytesMut::with_capacity(packet.len() + 10);
        frame.put_u8(0x81);
        match packet.len() {
            len @ 0..126 => frame.put_u8(len as u8),
            len @ 126..65_536 => {
                frame.put_u8(126);
                frame.put_u16(len as u16);
            }
            len => {
                frame.put_u8(127);
                frame.put_u64(len as u64);
            }
        }
        frame.put_slice(packet.as_bytes());
        let event_bytes = if crate::frames::is_event(packet.as_bytes()) { packet.len() as u64 } else { 0 };
        Self { bytes: frame.freeze(), event_bytes }
    }

    /// Frames that were encoded elsewhere. `None` if these are no whole, unmasked messages: a client
    /// could make nothing of what follows them.
    pub fn whole(bytes: Bytes) -> Option<Self> {
        let (mut walker, mut event_bytes, mut masked) = (FrameWalker::default(), 0, false);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (message, behind) = walker.step(rest);
            masked |= walker.is_masked();
            event_bytes += message.filter(|message| message.is_event()).map_or(0, |message| message.len);
            rest = behind;
        }
        (walker.is_between() && !masked).then_some(Self { bytes, event_bytes })
    }

    /// All of these, one behind the other.
    pub fn concat<'a>(parts: impl IntoIterator<Item = &'a Self> + Clone) -> Self {
        let len = parts.clone().into_iter().map(Self::len).sum();
        let (mut bytes, mut event_bytes) = (BytesMut::with_capacity(len), 0);
        for part in parts {
            bytes.put_slice(&part.bytes);
            event_bytes += part.event_bytes;
        }
        Self { bytes: bytes.freeze(), event_bytes }
    }

    /// The frames as they go out, headers and all.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How many bytes go out.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Payload bytes of the EVENT and ACK packets in it, as [`Link::event_bytes`](crate::Link::event_bytes)
    /// will count them.
    pub fn event_bytes(&self) -> u64 {
        self.event_bytes
    }
}
