//! Socket.IO sessions on bare sockets, one type for each transport.

use super::{
    raw::{Answer, Frame, Raw, handshake},
    server::{Live, TestServer},
};

pub const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
pub const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

pub struct Polling {
    pub raw: Raw,
    pub sid: String,
}

impl Polling {
    /// A session, with the heartbeat's first ping already taken.
    pub fn open(server: &TestServer) -> Self {
        let mut raw = Raw::connect(server.addr);
        let opened = raw.get(POLLING);
        assert_eq!(opened.status, 200, "{opened:?}");
        let (_, rest) = opened.body.split_once(r#""sid":""#).expect("a sid");
        let sid = rest.split('"').next().expect("a sid").to_owned();
        let mut session = Self { raw, sid };
        assert_eq!(session.poll().body, "2");
        session
    }

    /// A session whose socket is connected to namespace `/`.
    pub fn connect(server: &TestServer) -> (Self, Live) {
        let mut session = Self::open(server);
        session.post("40");
        let live = server.came();
        assert!(session.poll().body.starts_with("40{"));
        (session, live)
    }

    pub fn path(&self) -> String {
        format!("{POLLING}&sid={}", self.sid)
    }

    pub fn upgrade_path(&self) -> String {
        format!("{WEBSOCKET}&sid={}", self.sid)
    }

    pub fn poll(&mut self) -> Answer {
        let path = self.path();
        self.raw.get(&path)
    }

    pub fn post(&mut self, body: &str) {
        let path = self.path();
        let answer = self.raw.request("POST", &path, &[], body);
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
    }

    /// Polls until the events that were emitted have all come.
    pub fn receive(&mut self, count: usize) -> Vec<String> {
        let mut packets = Vec::new();
        while packets.len() < count {
            packets.extend(self.poll().body.split('\u{1e}').map(str::to_owned));
        }
        packets
    }
}

pub struct Websocket {
    pub raw: Raw,
}

impl Websocket {
    pub fn shake_hands(server: &TestServer, path: &str) -> Self {
        let mut raw = Raw::connect(server.addr);
        raw.send(handshake(path, &[]));
        assert_eq!(raw.answer().status, 101);
        Self { raw }
    }

    /// A session, with the heartbeat's first ping already taken.
    pub fn open(server: &TestServer) -> Self {
        let mut session = Self::shake_hands(server, WEBSOCKET);
        assert!(session.text().starts_with("0{"));
        assert_eq!(session.text(), "2");
        session
    }

    pub fn connect(server: &TestServer) -> (Self, Live) {
        let mut session = Self::open(server);
        session.raw.text("40");
        let live = server.came();
        assert!(session.text().starts_with("40{"));
        (session, live)
    }

    /// Goes on with a polling session on a websocket.
    pub fn upgrade(server: &TestServer, from: &Polling) -> Self {
        let mut session = Self::shake_hands(server, &from.upgrade_path());
        session.raw.text("2probe");
        assert_eq!(session.text(), "3probe");
        session.raw.text("5");
        session
    }

    pub fn text(&mut self) -> String {
        match self.raw.frame() {
            Frame::Text(text) => text,
            other => panic!("expected text, got {other:?}"),
        }
    }
}
