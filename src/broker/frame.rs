//! A frame: one event as it goes out, encoded once and shared by all connections.

use crate::{
    ids::NotificationId,
    notice::{EventName, Notice, Seq},
};
use bytes::Bytes;
use serde::Deserialize;
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
    confirms: Confirms,
    socket_io: OnceLock<Bytes>,
    websocket: OnceLock<Bytes>,
    sse: OnceLock<Bytes>,
    raw: OnceLock<Box<RawValue>>,
}

/// Which notifications a client has once it has the frame.
#[derive(Debug)]
enum Confirms {
    Nothing,
    /// The one that the payload is; looked up at first use, since most never are asked.
    This(OnceLock<Option<NotificationId>>),
    These(Arc<[NotificationId]>),
}

/// What is looked for in the payload of `new_notification`.
#[derive(Deserialize)]
struct Named {
    id: NotificationId,
}

impl Frame {
    /// A frame of an event that is meant for one connection alone, such as `ready`.
    #[must_use]
    pub fn new(event: &str, seq: Option<Seq>, payload: impl Into<Arc<str>>) -> Arc<Self> {
        Self::confirming(event, seq, payload.into(), Confirms::Nothing)
    }

    /// `pending_notifications`: these wait for the user (CONTRACT 6).
    #[must_use]
    pub fn pending(payload: Arc<str>, ids: Arc<[NotificationId]>) -> Arc<Self> {
        Self::confirming(EventName::PendingNotifications.as_str(), None, payload, Confirms::These(ids))
    }

    fn confirming(event: &str, seq: Option<Seq>, payload: Arc<str>, confirms: Confirms) -> Arc<Self> {
        Arc::new(Self::plain(event, seq, payload, confirms))
    }

    fn plain(event: &str, seq: Option<Seq>, payload: Arc<str>, confirms: Confirms) -> Self {
        Self {
            event: event.into(),
            seq,
            payload,
            confirms,
            websocket: OnceLock::new(),
            socket_io: OnceLock::new(),
            sse: OnceLock::new(),
            raw: OnceLock::new(),
        }
    }

    /// The frames of a notice: the event, then its aliases (CONTRACT 3). Silent ones have none.
    #[must_use]
    pub fn of(notice: &Notice) -> Vec<Arc<Self>> {
        if notice.event == EventName::Silent {
            return Vec::new();
        }
        std::iter::once(notice.event.as_str())
            .chain(notice.event.aliases().iter().copied())
            .map(|name| {
                let confirms = match notice.event {
                    EventName::NewNotification => Confirms::This(OnceLock::new()),
                    _ => Confirms::Nothing,
                };
                Self::confirming(name, notice.seq, notice.payload.clone(), confirms)
            })
            .collect()
    }

    /// Whether a client that has it is to say so.
    #[must_use]
    pub fn wants_confirmation(&self) -> bool {
        match &self.confirms {
            Confirms::Nothing => false,
            Confirms::This(_) => true,
            Confirms::These(ids) => !ids.is_empty(),
        }
    }

    /// The notifications that whoever has this frame has.
    #[must_use]
    pub fn confirms(&self) -> &[NotificationId] {
        match &self.confirms {
            Confirms::Nothing => &[],
            Confirms::This(id) => {
                let named = || serde_json::from_str(&self.payload).ok().map(|Named { id }| id);
                id.get_or_init(named).as_slice()
            }
            Confirms::These(ids) => ids,
        }
    }

    /// The websocket frame of Socket.IO, from its first byte to its last (RFC 6455, 5.2; a server's
    /// frames have no mask): the packet `42["event",payload]` of the namespace `/`, which asks for no
    /// acknowledgement.
    pub fn socket_io(&self) -> &Bytes {
        self.socket_io.get_or_init(|| {
            let event = serde_json::Value::from(&*self.event).to_string();
            let len = "42[,]".len() + event.len() + self.payload.len();
            let mut frame = Vec::with_capacity(len + 10);
            // Text, and all of it.
            frame.push(0x81);
            match len {
                0..126 => frame.push(len as u8),
                126..65_536 => {
                    frame.push(126);
                    frame.extend_from_slice(&(len as u16).to_be_bytes());
                }
                _ => {
                    frame.push(127);
                    frame.extend_from_slice(&(len as u64).to_be_bytes());
                }
            }
            for part in ["42[", &event, ",", &self.payload, "]"] {
                frame.extend_from_slice(part.as_bytes());
            }
            frame.into()
        })
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
        assert_eq!(&frame.socket_io()[..], b"\x81\x2142[\"NEW_RECORD\",{\"id\":1,\"seq\":7}]");
    }

    #[test]
    fn a_socket_io_frame_says_how_long_it_is() {
        for (len, header) in [(92, vec![0x81, 125]), (93, vec![0x81, 126, 0, 126]), (65_502, vec![0x81, 126, 255, 255])]
        {
            let payload = format!("{{\"x\":\"{}\"}}", "x".repeat(len));
            let frame = Frame::new("a \"quoted\" event", None, &*payload);
            let packet = format!(r#"42["a \"quoted\" event",{payload}]"#);
            assert_eq!(frame.socket_io()[..], [header, packet.into_bytes()].concat(), "{len}");
        }
        let long = Frame::new("x", None, format!("\"{}\"", "x".repeat(65_526)));
        assert_eq!(long.socket_io()[..10], [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn a_notification_and_its_alias_and_the_pending_ones_know_what_they_confirm() {
        let id = NotificationId::generate();
        let notice = |event| Notice {
            seq: Some(Seq(7)),
            event,
            payload: serde_json::json!({ "message": "id", "data": { "id": 1 }, "id": id, "seq": 7 }).to_string().into(),
            audience: crate::notice::Audience::nobody(),
            origin: None,
            effect: None,
        };
        let frames = Frame::of(&notice(EventName::NewNotification));
        assert_eq!(
            frames.iter().map(|frame| &*frame.event).collect::<Vec<_>>(),
            ["new_notification", EventName::RECEIVED]
        );
        assert!(frames.iter().all(|frame| frame.wants_confirmation() && frame.confirms() == [id]));
        let other = &Frame::of(&notice(EventName::NewRecord))[0];
        assert!(!other.wants_confirmation() && other.confirms().is_empty());
        let page = Frame::pending("{}".into(), [id].into());
        assert!(page.wants_confirmation() && page.confirms() == [id]);
        assert!(!Frame::pending("{}".into(), [].into()).wants_confirmation(), "an empty list");
    }

    #[test]
    fn a_frame_without_a_place_in_the_order_moves_no_cursor() {
        let frame = Frame::new("auth_expiring", None, "{}");
        assert_eq!(&frame.websocket()[..], br#"{"event":"auth_expiring","data":{}}"#);
        assert_eq!(&frame.sse()[..], b"event: auth_expiring\ndata: {}\n\n");
    }
}
