//! A client that listens, over whichever wire. What it hears is read when a test asks for it, never
//! behind its back; each reading checks that places only grow.

use super::{
    Herald, MARKER, PATIENCE, User,
    wire::{End, Over, Pass, Refusal, Said, Way, Wire},
};
use serde_json::Value;
use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
};

pub struct Live {
    herald: Herald,
    way: Way,
    wire: Option<Wire>,
    /// The last `ready`.
    pub ready: Value,
    /// Everything heard, over all its connections, for failures.
    log: Vec<String>,
    waiting: VecDeque<(String, Value)>,
    acks: HashMap<u64, Value>,
    /// The numbers of all acknowledgements, as they came.
    acked: Vec<u64>,
    /// A `new_notification` whose alias is still to come.
    aliased: Option<Value>,
    end: Option<End>,
    last: i64,
    calls: u64,
}

impl Live {
    pub async fn open(user: &User, way: Way) -> Self {
        let over = way.over;
        Self::attempt(user, way).await.unwrap_or_else(|refusal| panic!("{over:?}: not let in: {refusal:?}"))
    }

    /// Connects and waits for `ready`, or says why not.
    pub async fn attempt(user: &User, mut way: Way) -> Result<Self, Refusal> {
        way.pass.get_or_insert_with(|| Pass::Token(user.token()));
        let mut live = Self {
            herald: user.herald,
            way,
            wire: None,
            ready: Value::Null,
            log: Vec::new(),
            waiting: VecDeque::new(),
            acks: HashMap::new(),
            acked: Vec::new(),
            aliased: None,
            end: None,
            last: -1,
            calls: 0,
        };
        live.connect().await?;
        Ok(live)
    }

    /// Connects, and says how the connection was ended.
    pub async fn ends_as(user: &User, mut way: Way) -> End {
        way.pass.get_or_insert_with(|| Pass::Token(user.token()));
        let ending = async {
            let mut wire = Wire::open(user.herald.addr, &way).await.unwrap_or_else(|refusal| panic!("{refusal:?}"));
            loop {
                if let Said::Ended(end) = wire.next().await {
                    return end;
                }
            }
        };
        tokio::time::timeout(PATIENCE, ending).await.expect("it ends")
    }

    async fn connect(&mut self) -> Result<(), Refusal> {
        let opening = tokio::time::timeout(PATIENCE, Wire::open(self.herald.addr, &self.way)).await;
        self.wire = Some(opening.unwrap_or_else(|_| panic!("{:?}: no answer to the handshake", self.way.over))?);
        (self.end, self.last, self.aliased) = (None, -1, None);
        self.acks.clear();
        // What came in before counts as heard, and is still to be asked for.
        let heard = std::mem::take(&mut self.waiting);
        let (event, ready) = self.next().await;
        assert_eq!(event, "ready", "the first event on every transport");
        self.ready = ready;
        self.last = self.ready["seq"].as_i64().expect("ready has a seq");
        self.waiting = heard;
        Ok(())
    }

    pub fn over(&self) -> Over {
        self.way.over
    }

    /// The connection's id, for the echo header.
    pub fn id(&self) -> String {
        self.ready["id"].as_str().expect("ready has an id").to_owned()
    }

    /// The cursor: the last place heard.
    pub fn cursor(&self) -> i64 {
        self.last
    }

    /// The next event, be it a marker or not.
    async fn next(&mut self) -> (String, Value) {
        match self.next_or_end().await {
            Ok(said) => said,
            Err(end) => panic!("{}: ended ({end:?}) instead; heard: {}", self.name(), self.story()),
        }
    }

    async fn next_or_end(&mut self) -> Result<(String, Value), End> {
        if let Some(said) = self.waiting.pop_front() {
            return Ok(said);
        }
        self.read_until(|live| !live.waiting.is_empty() || live.end.is_some()).await;
        match self.waiting.pop_front() {
            Some(said) => Ok(said),
            None => Err(self.end.clone().expect("it ended")),
        }
    }

    /// Reads from the wire until enough has come in.
    async fn read_until(&mut self, enough: impl Fn(&Self) -> bool) {
        while !enough(self) {
            let wire = self.wire.as_mut().expect("a connection");
            let said = match tokio::time::timeout(PATIENCE, wire.next()).await {
                Ok(said) => said,
                Err(_) => panic!("{}: heard nothing more; heard: {}", self.name(), self.story()),
            };
            match said {
                Said::Event { name, data } => self.hear(name, data),
                Said::Ack { id, data } => {
                    self.acked.push(id);
                    self.acks.insert(id, data);
                }
                Said::Ended(end) => {
                    self.log.push(format!("ended: {end:?}"));
                    self.end = Some(end);
                    return;
                }
            }
        }
    }

    fn hear(&mut self, name: String, data: Value) {
        let text: String = data.to_string().chars().take(300).collect();
        self.log.push(format!("{name} {text}"));
        if let Some(first) = self.aliased.take() {
            // It follows directly, says the same, and counts as the same.
            assert_eq!((name.as_str(), &data), (ALIAS, &first), "{}: heard: {}", self.name(), self.story());
            return;
        }
        self.aliased = (name == "new_notification").then(|| data.clone());
        if let Some(seq) = data["seq"].as_i64().filter(|_| name != "ready") {
            assert!(seq > self.last, "{}: {seq} came after {}; heard: {}", self.name(), self.last, self.story());
            self.last = seq;
        }
        self.waiting.push_back((name, data));
    }

    /// What counts for nothing unless it is waited for: markers that others asked for; what waits in the
    /// inbox, if the story is not about how that is confirmed; and what all who resume hear of an empty one.
    fn passes_over(&self, name: &str, data: &Value) -> bool {
        let minds_inbox = self.way.acks.is_some() || !self.way.answers;
        let page = name == "pending_notifications";
        is_marker(name, data) || page && (!minds_inbox || data["notifications"] == Value::Array(Vec::new()))
    }

    fn name(&self) -> String {
        format!("{:?}", self.way.over)
    }

    fn story(&self) -> String {
        let from = self.log.len().saturating_sub(20);
        format!("\n  {}", self.log[from..].join("\n  "))
    }

    /// Hears this next (markers that others asked for do not count), and nothing before it.
    pub async fn hears(&mut self, event: &str) -> Value {
        loop {
            let (name, data) = self.next().await;
            if self.passes_over(&name, &data) && name != event || is_marker(&name, &data) {
                continue;
            }
            assert_eq!(name, event, "{}: heard something else; heard: {}", self.name(), self.story());
            return data;
        }
    }

    /// The next event, whatever it is.
    pub async fn hears_anything(&mut self) -> (String, Value) {
        self.next().await
    }

    /// How many events it hears before this marker; nothing but other markers is passed over.
    pub async fn hears_until_strictly(&mut self, marker: &str) -> usize {
        let mut count = 0;
        loop {
            let (name, data) = self.next().await;
            if data["record"]["id"] == marker {
                return count;
            }
            count += usize::from(!is_marker(&name, &data));
        }
    }

    /// Goes on reading until something else is done; what it hears meanwhile counts as heard.
    pub async fn listens_while<T>(&mut self, doing: impl Future<Output = T>) -> T {
        let (herald, marker) = (self.herald, RefCell::new(None));
        let doing = async {
            let done = doing.await;
            let first = herald.marker().await;
            *marker.borrow_mut() = Some(first);
            // The first may have been heard before its name was known here.
            herald.marker().await;
            done
        };
        let reading = async {
            let mut heard = Vec::new();
            while !marker.borrow().as_ref().is_some_and(|marker| heard.contains(marker)) {
                let (_, data) = self.next().await;
                heard.extend(data["record"]["id"].as_str().map(str::to_owned));
            }
        };
        futures_util::future::join(doing, reading).await.0
    }

    /// Hears this of this record next; the record, or for `DELETED_RECORD` the notice.
    pub async fn hears_of(&mut self, event: &str, id: &str) -> Value {
        let data = self.hears(event).await;
        let about = if event == "DELETED_RECORD" { &data["id"] } else { &data["record"]["id"] };
        assert_eq!(about, id, "{}: about another record; heard: {}", self.name(), self.story());
        if event == "DELETED_RECORD" { data } else { data["record"].clone() }
    }

    /// Hears such an event sooner or later; what it hears before is passed over.
    pub async fn hears_at_last(&mut self, event: &str, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let (name, data) = self.next().await;
            if name == event && fits(&data) {
                return data;
            }
        }
    }

    /// Hears sooner or later that a job is in this state; the job.
    pub async fn hears_of_job(&mut self, state: &str) -> Value {
        let fits = |data: &Value| data["type"] == "JOB" && data["record"]["state"] == state;
        self.hears_at_last("CHANGED_RECORD", fits).await["record"].clone()
    }

    /// Hears of something new in the inbox next, of this kind; its alias follows.
    pub async fn is_notified(&mut self, kind: &str) -> Value {
        let data = self.hears("new_notification").await;
        assert_eq!(data["kind"], kind, "{}: of another kind; heard: {}", self.name(), self.story());
        data
    }

    /// Hears one of these next, whatever it is about.
    pub async fn hears_one_of(&mut self, events: &[&str]) -> (String, Value) {
        loop {
            let (name, data) = self.next().await;
            if self.passes_over(&name, &data) && !events.contains(&&*name) || is_marker(&name, &data) {
                continue;
            }
            assert!(events.contains(&&*name), "{}: heard {name}; heard: {}", self.name(), self.story());
            return (name, data);
        }
    }

    /// Hears this marker next: nothing was said to it before.
    pub async fn hears_marker(&mut self, id: &str) {
        loop {
            let (name, data) = self.next().await;
            if data["record"]["id"] == id {
                return;
            }
            let marker = self.passes_over(&name, &data);
            assert!(marker, "{}: was to hear nothing, but heard {name} {data}", self.name());
        }
    }

    /// Everybody is told something, and that is what it hears next.
    pub async fn hears_nothing(&mut self) {
        let marker = self.herald.marker().await;
        self.hears_marker(&marker).await;
    }

    /// All that it hears up to this marker.
    pub async fn hears_until(&mut self, marker: &str) -> Vec<(String, Value)> {
        let mut heard = Vec::new();
        loop {
            let (name, data) = self.next().await;
            if data["record"]["id"] == marker {
                return heard;
            }
            if !self.passes_over(&name, &data) {
                heard.push((name, data));
            }
        }
    }

    /// What came in already, beside something else that was waited for; reads nothing more.
    pub fn came_in(&mut self) -> Vec<(String, Value)> {
        let heard = std::mem::take(&mut self.waiting);
        heard.into_iter().filter(|(name, data)| !self.passes_over(name, data)).collect()
    }

    /// All that it hears up to something that is enough, and that.
    pub async fn hears_all_until(&mut self, enough: impl Fn(&str, &Value) -> bool) -> Vec<(String, Value)> {
        let mut heard = Vec::new();
        loop {
            let (name, data) = self.next().await;
            let last = enough(&name, &data);
            if !is_marker(&name, &data) {
                heard.push((name, data));
            }
            if last {
                return heard;
            }
        }
    }

    /// The versions of this record that it hears of, up to this one; each only once, and in order.
    pub async fn hears_versions(&mut self, id: &str, last: i64) -> Vec<i64> {
        let mut versions: Vec<i64> = Vec::new();
        while versions.last().is_none_or(|version| *version < last) {
            let (name, data) = self.next().await;
            if data["record"]["id"] == id {
                assert!(name == "CHANGED_RECORD" || name == "NEW_RECORD", "{name}");
                versions.push(data["record"]["version"].as_i64().expect("a version"));
            }
        }
        versions
    }

    /// So many events, whatever they are.
    pub async fn hears_some(&mut self, count: usize) {
        for _ in 0..count {
            self.next().await;
        }
    }

    /// The versions of this record that it hears of before it is closed, and how it was closed.
    pub async fn hears_versions_until_it_ends(&mut self, id: &str) -> (Vec<i64>, End) {
        let mut versions = Vec::new();
        loop {
            match self.next_or_end().await {
                Ok((_, data)) if data["record"]["id"] == id => versions.extend(data["record"]["version"].as_i64()),
                Ok(_) => {}
                Err(end) => return (versions, end),
            }
        }
    }

    /// It hears this marker, or is closed before that.
    pub async fn hears_marker_or_ends(&mut self, id: &str) {
        while let Ok((name, data)) = self.next_or_end().await {
            assert!(self.passes_over(&name, &data) || name == "error", "{}: heard {name} {data}", self.name());
            if data["record"]["id"] == id {
                return;
            }
        }
    }

    /// From polling to websocket.
    pub async fn upgrades(&mut self) {
        let Some(Wire::SocketIo(wire)) = &mut self.wire else { panic!("only Socket.IO upgrades") };
        tokio::time::timeout(PATIENCE, wire.upgrade()).await.expect("an upgrade");
    }

    /// Sends this text as it is over `/ws`.
    pub async fn says_raw(&mut self, text: &str) {
        let Some(Wire::Plain(wire)) = &mut self.wire else { panic!("only /ws takes raw text") };
        wire.say_raw(text).await;
    }

    /// The connection ends; what was heard before that is dropped, and must not be a notice.
    pub async fn ends(&mut self) -> End {
        loop {
            match self.next_or_end().await {
                Ok((name, data)) => {
                    let harmless = name == "auth_expiring" || self.passes_over(&name, &data);
                    assert!(harmless, "{}: before its end it heard {name} {data}", self.name());
                }
                Err(end) => return end,
            }
        }
    }

    /// The connection ends, whatever it hears before.
    pub async fn ends_at_last(&mut self) -> End {
        loop {
            if let Err(end) = self.next_or_end().await {
                return end;
            }
        }
    }

    /// Says something and goes on; the number by which it will be acknowledged.
    pub async fn says(&mut self, event: &str, data: impl Into<Value>) -> u64 {
        self.calls += 1;
        let id = self.calls;
        self.wire.as_mut().expect("a connection").say(event, &data.into(), id).await;
        id
    }

    /// The numbers of all acknowledgements up to this one, in the order in which they came.
    pub async fn acked_until(&mut self, id: u64) -> Vec<u64> {
        self.read_until(|live| live.acks.contains_key(&id) || live.end.is_some()).await;
        std::mem::take(&mut self.acked)
    }

    /// Says something and waits for the acknowledgement.
    pub async fn call(&mut self, event: &str, data: impl Into<Value>) -> Value {
        let id = self.says(event, data).await;
        self.read_until(|live| live.acks.contains_key(&id) || live.end.is_some()).await;
        let ack = self.acks.remove(&id);
        ack.unwrap_or_else(|| panic!("{}: {event} was not acknowledged; heard: {}", self.name(), self.story()))
    }

    /// Says something that is acknowledged with `{ok: true}`.
    pub async fn asks(&mut self, event: &str, data: impl Into<Value>) -> Value {
        let ack = self.call(event, data).await;
        assert_eq!(ack["ok"], true, "{}: {event}: {ack}", self.name());
        ack
    }

    /// Says something that is acknowledged with a problem of this code.
    pub async fn is_refused(&mut self, event: &str, data: impl Into<Value>, code: &str) {
        let ack = self.call(event, data).await;
        assert_eq!(ack["code"], code, "{}: {event}: {ack}", self.name());
        assert!(ack["status"].is_u64() && ack["title"].is_string(), "the problem as on HTTP: {ack}");
    }

    /// The network goes; what was not read is lost.
    pub async fn cut(&mut self) {
        if let Some(wire) = self.wire.take() {
            wire.cut().await;
        }
    }

    /// Goes so that the server knows of it at once. Who polls has to say so: between two polls nobody
    /// can tell that there will be no other.
    pub async fn goes(mut self) {
        if let Some(wire) = self.wire.take() {
            if self.way.over == Over::Polling { wire.leave().await } else { wire.cut().await }
        }
    }

    /// Comes back after where it left off.
    pub async fn resume(&mut self) -> Value {
        let cursor = self.last;
        let ready = self.resume_after(cursor).await;
        assert_eq!(ready["resumed"], true, "{}: {ready}", self.name());
        assert_eq!(ready["resync"], false, "{}: {ready}", self.name());
        assert_eq!(ready["seq"], cursor, "{}: it goes on from the client's own cursor", self.name());
        ready
    }

    /// Comes back with this cursor.
    pub async fn resume_after(&mut self, cursor: impl Into<Value>) -> Value {
        assert!(self.wire.is_none() || self.end.is_some(), "it was not cut");
        self.way.after = Some(cursor.into());
        self.connect().await.unwrap_or_else(|refusal| panic!("{:?}: not let in again: {refusal:?}", self.way.over));
        self.ready.clone()
    }
}

/// The other name of `new_notification` (CONTRACT 6).
const ALIAS: &str = "notification:received";

fn is_marker(name: &str, data: &Value) -> bool {
    name == "NEW_RECORD" && data["record"]["name"].as_str().is_some_and(|name| name.starts_with(MARKER))
}

/// One user's connections over all wires, which all hear the same.
pub struct Everywhere(pub Vec<Live>);

impl User {
    /// Listens over every wire.
    pub async fn everywhere(&self) -> Everywhere {
        let mut all = Vec::new();
        for over in Over::ALL {
            all.push(self.live(over).await);
        }
        Everywhere(all)
    }
}

impl Everywhere {
    pub async fn hears(&mut self, event: &str) -> Value {
        let mut same: Option<Value> = None;
        for live in &mut self.0 {
            let data = live.hears(event).await;
            assert_eq!(same.get_or_insert_with(|| data.clone()), &data, "{:?} heard something else", live.over());
        }
        same.expect("at least one wire")
    }

    pub async fn hears_of(&mut self, event: &str, id: &str) -> Value {
        let mut same: Option<Value> = None;
        for live in &mut self.0 {
            let data = live.hears_of(event, id).await;
            assert_eq!(same.get_or_insert_with(|| data.clone()), &data, "{:?} heard something else", live.over());
        }
        same.expect("at least one wire")
    }

    pub async fn is_notified(&mut self, kind: &str) -> Value {
        let data = self.hears("new_notification").await;
        assert_eq!(data["kind"], kind);
        data
    }

    pub async fn hears_nothing(&mut self) {
        let marker = self.0[0].herald.marker().await;
        self.hears_marker(&marker).await;
    }

    pub async fn hears_marker(&mut self, id: &str) {
        for live in &mut self.0 {
            live.hears_marker(id).await;
        }
    }

    pub async fn ends(&mut self) {
        for live in &mut self.0 {
            live.ends().await;
        }
    }
}
