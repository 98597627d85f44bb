//! A frame: one event as it goes out, encoded once and shared by all connections.

use crate::notice::{EventName, Notice, Seq};
use bytes::Bytes;
use serde_json::value::RawValue;
use std::{
    fmt::Write as _,
    sync::{Arc, OnceLock},
};

/// One event with its payload, in the encodings of all transports, each made at first use.
#[derive(Debug)]
pub struct Frame {
    /// The event's name on the wire (an alias has its own frame).
    pub event: Box<str>,
    /// Its place in the order; `None` for what is not stored.
    pub seq: Option<Seq>,
    /// The payload: one JSON object as text.
    pub payload: Arc<str>,
    websocket: OnceLock<Bytes>,
    sse: OnceLock<Bytes>,
    raw: OnceLock<Box<RawValue>>,
}

impl Frame {
    /// A frame of an event that is meant for one connection alone, such as `ready`.
    #[must_use]
    pub fn new(event: &str, seq: Option<Seq>, payload: impl Into<Arc<str>>) -> Arc<Self> {
        Arc::new(Self {
            event: event.into(),
            seq,
            payload: payload.into(),
            websocket: OnceLock::new(),
            sse: OnceLock::new(),
            raw: OnceLock::new(),
        })
    }

    /// The frames of a notice: the event, then its aliases (CONTRACT 3). Silent ones have none.
    #[must_use]
    pub fn of(notice: &Notice) -> Vec<Arc<Self>> {
        if notice.event == EventName::Silent {
            return Vec::new();
        }
        std::iter::once(notice.event.as_str())
            .chain(notice.event.aliases().iter().copied())
            .map(|name| Self::new(name, notice.seq, notice.payload.clone()))
            .collect()
    }

    /// The text frame of `/ws`: `{"event":…,"data":…,"seq":…}`, without `seq` where there is none.
    pub fn websocket(&self) -> &Bytes {
        self.websocket.get_or_init(|| {
            let mut text = String::with_capacity(self.payload.len() + self.event.len() + 48);
            text.push_str("{\"event\":");
            text.push_str(&serde_json::Value::from(&*self.event).to_string());
            text.push_str(",\"data\":");
            text.push_str(&self.payload);
            if let Some(seq) = self.seq {
                let _ = write!(text, ",\"seq\":{seq}");
            }
            text.push('}');
            text.into()
        })
    }

    /// The event of `/v1/stream` (WHATWG HTML, server-sent events): `event:`, `id:`, `data:`.
    /// JSON text holds no raw line break, so one `data:` line is enough.
    pub fn sse(&self) -> &Bytes {
        self.sse.get_or_init(|| {
            let mut text = String::with_capacity(self.payload.len() + self.event.len() + 48);
            let _ = writeln!(text, "event: {}", self.event);
            if let Some(seq) = self.seq {
                let _ = writeln!(text, "id: {seq}");
            }
            let _ = write!(text, "data: {}\n\n", self.payload);
            text.into()
        })
    }

    /// The payload for an encoder that writes it down as it stands (Socket.IO).
    pub fn raw(&self) -> &RawValue {
        // A payload is JSON (see its field); checking it again is what makes it a `RawValue`, hence once.
        self.raw.get_or_init(|| {
            RawValue::from_string(self.payload.to_string()).unwrap_or_else(|_| RawValue::NULL.to_owned())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_the_same_on_every_transport() {
        let frame = Frame::new("NEW_RECORD", Some(Seq(7)), "{\"id\":1,\"seq\":7}");
        assert_eq!(&frame.websocket()[..], br#"{"event":"NEW_RECORD","data":{"id":1,"seq":7},"seq":7}"#);
        assert_eq!(&frame.sse()[..], b"event: NEW_RECORD\nid: 7\ndata: {\"id\":1,\"seq\":7}\n\n");
        assert_eq!(frame.raw().get(), "{\"id\":1,\"seq\":7}");
    }

    #[test]
    fn a_frame_without_a_place_in_the_order_moves_no_cursor() {
        let frame = Frame::new("auth_expiring", None, "{}");
        assert_eq!(&frame.websocket()[..], br#"{"event":"auth_expiring","data":{}}"#);
        assert_eq!(&frame.sse()[..], b"event: auth_expiring\ndata: {}\n\n");
    }
}
