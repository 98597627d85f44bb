//! Who is connected, in which rooms, and what each must have heard.

use super::super::{Market, chat_room, request_room};
use crate::support::{Live, Over, User, Way};
use serde_json::{Value, json};

/// Something that was told, to whom.
#[derive(Debug)]
pub struct Told {
    pub event: &'static str,
    pub seq: i64,
    pub rooms: Vec<String>,
}

/// In a room, behind one place and up to another.
#[derive(Debug)]
struct Stay {
    room: String,
    after: i64,
    upto: i64,
}

/// Somebody.
pub struct Guest {
    pub user: User,
    pub roles: Vec<&'static str>,
    over: Over,
    /// `None` while cut off.
    live: Option<Live>,
    /// Where the connection, or the next one, starts.
    from: i64,
    /// Of this connection.
    stays: Vec<Stay>,
}

impl Guest {
    pub fn has(&self, role: &str) -> bool {
        self.roles.contains(&role)
    }

    fn stays_in(&self, room: &str) -> bool {
        self.stays.iter().any(|stay| stay.room == room && stay.upto == i64::MAX)
    }

    fn begins(&mut self, room: String, after: i64) {
        if !self.stays_in(&room) {
            self.stays.push(Stay { room, after, upto: i64::MAX });
        }
    }

    fn ends(&mut self, upto: i64, ended: impl Fn(&str) -> bool) {
        let open = self.stays.iter_mut().filter(|stay| stay.upto == i64::MAX && ended(&stay.room));
        open.for_each(|stay| stay.upto = upto);
    }

    fn heard(&self, told: &Told) -> bool {
        let hears = |stay: &Stay| stay.after < told.seq && told.seq <= stay.upto && told.rooms.contains(&stay.room);
        self.stays.iter().any(hears)
    }
}

/// A document and its sides, by number.
pub struct Document {
    pub id: String,
    pub buyer: usize,
    pub seller: Option<usize>,
    /// What it is about: a request of an offer, an offer of a payment.
    pub of: usize,
    /// How far it is, where somebody has to know.
    pub rank: u8,
}

/// Everybody and everything.
pub struct World {
    pub m: Market,
    pub guests: Vec<Guest>,
    pub log: Vec<Told>,
    pub requests: Vec<Document>,
    pub offers: Vec<Document>,
    pub chats: Vec<Document>,
    /// With the number of its chat.
    pub messages: Vec<(usize, String)>,
    pub payments: Vec<Document>,
    pub payouts: Vec<Document>,
    pub disputes: Vec<Document>,
}

/// Most rooms of a kind that somebody asks for in a handshake.
const ASKED: usize = 40;

impl World {
    pub async fn open() -> Self {
        let m = Market::open().await;
        // Somebody has to stay an administrator.
        m.server.admin("abe").await;
        let known = [
            m.server.user_with("sam", &["USER", "SELLER"]).await,
            m.server.user_with("ada", &["USER", "SELLER", "ADMIN"]).await,
        ];
        let stranger = |roles: &[&'static str]| (m.server.stranger(roles), roles.to_vec());
        let [sam, ada] = known;
        let people = [
            (sam, vec!["USER", "SELLER"]),
            (ada, vec!["USER", "SELLER", "ADMIN"]),
            stranger(&["USER", "BUYER"]),
            stranger(&["USER", "BUYER"]),
            stranger(&["USER", "SELLER"]),
            stranger(&["USER", "BUYER", "SELLER"]),
            stranger(&["USER", "ADMIN"]),
            stranger(&["USER"]),
        ];
        let wires = [Over::SocketIo, Over::SocketIo, Over::Polling, Over::SocketIo, Over::WebSocket];
        let guests = people.into_iter().zip(wires.into_iter().cycle()).map(|((user, roles), over)| Guest {
            user,
            roles,
            over,
            live: None,
            from: -1,
            stays: Vec::new(),
        });
        let mut world = Self {
            guests: guests.collect(),
            m,
            log: Vec::new(),
            requests: Vec::new(),
            offers: Vec::new(),
            chats: Vec::new(),
            messages: Vec::new(),
            payments: Vec::new(),
            payouts: Vec::new(),
            disputes: Vec::new(),
        };
        for who in 0..world.guests.len() {
            world.comes(who).await;
        }
        world
    }

    /// What is told, behind what was told before.
    pub fn tells(&mut self, event: &'static str, seq: i64, rooms: Vec<String>) {
        assert!(self.log.last().is_none_or(|last| last.seq < seq), "{event}: {seq} is no place behind the last");
        self.log.push(Told { event, seq, rooms });
    }

    /// Whether somebody may be in the room of a request or a chat.
    fn may(&self, who: usize, document: &Document, chat: bool) -> bool {
        let party = document.buyer == who || document.seller == Some(who);
        party || !chat && self.guests[who].has("ADMIN")
    }

    /// Somebody connects, or comes back, and asks for every room there is.
    async fn comes(&mut self, who: usize) {
        let kinds = [(&self.requests, false), (&self.chats, true)];
        let mut asked: Vec<(String, bool)> = Vec::new();
        for (documents, chat) in kinds {
            let room = if chat { chat_room } else { request_room };
            let newest = documents.iter().rev().take(ASKED);
            asked.extend(newest.map(|document| (room(&document.id), self.may(who, document, chat))));
        }
        let guest = &mut self.guests[who];
        let seller = guest.has("SELLER");
        asked.extend([("sellers".to_owned(), seller), (format!("seller-{}", guest.user.id), seller)]);
        let rooms: Vec<String> = asked.iter().map(|(room, _)| room.clone()).collect();
        let way = Way::new(guest.over).rooms(&rooms);
        let live = guest.user.live_by(if guest.from < 0 { way } else { way.after(guest.from) }).await;
        let refused: Vec<&String> = asked.iter().filter(|(_, may)| !may).map(|(room, _)| room).collect();
        assert_eq!(live.ready["refusedRooms"], json!(refused), "{:?}", guest.roles);
        assert_eq!(live.ready["resumed"], guest.from >= 0);
        guest.from = live.cursor();
        let own = [guest.user.room(), "all".into()].into_iter().chain(guest.has("ADMIN").then(|| "admin".into()));
        let joined = asked.into_iter().filter(|(_, may)| *may).map(|(room, _)| room);
        guest.stays = own.chain(joined).map(|room| Stay { room, after: guest.from, upto: i64::MAX }).collect();
        guest.live = Some(live);
    }

    /// Compares what somebody heard on this connection with what the model says.
    fn check(&self, who: usize, upto: i64, heard: Vec<(String, Value)>) {
        let guest = &self.guests[who];
        let heard: Vec<(String, i64)> = heard
            .into_iter()
            .filter(|(name, _)| name.contains(':') && name != "notification:read")
            .map(|(name, data)| (name, data["seq"].as_i64().expect("a stored notice")))
            .collect();
        let between = self.log.iter().filter(|told| guest.from < told.seq && told.seq <= upto);
        let expected: Vec<(String, i64)> =
            between.filter(|told| guest.heard(told)).map(|told| (told.event.to_owned(), told.seq)).collect();
        assert_eq!(heard, expected, "guest {who} {:?}\nstays: {:#?}\nlog: {:#?}", guest.roles, guest.stays, self.log);
    }

    /// Somebody is cut off, having heard everything or only what came in by chance; or comes back.
    pub async fn cuts_or_resumes(&mut self, who: usize, drained: bool) {
        let who = who % self.guests.len();
        let Some(mut live) = self.guests[who].live.take() else { return self.comes(who).await };
        let heard = if drained {
            let marker = self.m.server.marker().await;
            live.hears_until(&marker).await
        } else {
            live.came_in()
        };
        let upto = live.cursor();
        live.cut().await;
        self.check(who, upto, heard);
        self.guests[who].from = upto;
    }

    pub async fn enters(&mut self, who: usize, chat: bool, with: usize) {
        let who = who % self.guests.len();
        let documents = if chat { &self.chats } else { &self.requests };
        let Some(document) = (!documents.is_empty()).then(|| &documents[with % documents.len()]) else { return };
        let may = self.may(who, document, chat);
        let (event, room) = if chat {
            ("join-chat-room", chat_room(&document.id))
        } else {
            ("join-request-room", request_room(&document.id))
        };
        let (id, guest) = (document.id.clone(), &mut self.guests[who]);
        let Some(live) = &mut guest.live else { return };
        if may {
            let ack = live.asks(event, json!(id)).await;
            assert_eq!(ack["room"], room);
            guest.begins(room, ack["seq"].as_i64().expect("a seq"));
        } else {
            live.is_refused(event, json!({ "id": id }), "forbidden").await;
        }
    }

    pub async fn leaves(&mut self, who: usize, chat: bool, with: usize) {
        let who = who % self.guests.len();
        let documents = if chat { &self.chats } else { &self.requests };
        let Some(document) = (!documents.is_empty()).then(|| &documents[with % documents.len()]) else { return };
        let (event, room) = if chat {
            ("leave-chat-room", chat_room(&document.id))
        } else {
            ("leave-request-room", request_room(&document.id))
        };
        let (id, guest) = (document.id.clone(), &mut self.guests[who]);
        let Some(live) = &mut guest.live else { return };
        let ack = live.asks(event, json!(id)).await;
        let seq = ack["seq"].as_i64().expect("a seq");
        guest.ends(seq, |held| held == room);
    }

    /// Sam sells or does not; Ada is an administrator or is not.
    pub async fn changes_roles(&mut self, who: usize) {
        let who = who % 2;
        let role = ["SELLER", "ADMIN"][who];
        let guest = &mut self.guests[who];
        let lost = guest.has(role);
        if lost {
            guest.roles.retain(|held| *held != role);
        } else {
            guest.roles.push(role);
        }
        let (path, roles) = (format!("/v1/admin/users/{}", guest.user.id), json!({ "roles": guest.roles }));
        let seq = self.m.root.put(path, roles).await.ok().seq();
        let own: Vec<String> =
            self.requests.iter().filter(|one| self.may(who, one, false)).map(|one| request_room(&one.id)).collect();
        let guest = &mut self.guests[who];
        match (role, lost) {
            ("ADMIN", true) => guest.ends(seq, |room| {
                room == "admin" || room.starts_with("request-") && !own.iter().any(|own| own == room)
            }),
            ("ADMIN", false) => guest.begins("admin".into(), seq),
            (_, true) => guest.ends(seq, |room| room.starts_with("seller")),
            _ => {}
        }
    }

    /// Everybody comes back and has heard everything; the events that were told.
    pub async fn settles(&mut self) -> Vec<&'static str> {
        for who in 0..self.guests.len() {
            if self.guests[who].live.is_none() {
                self.comes(who).await;
            }
        }
        let marker = self.m.server.marker().await;
        for who in 0..self.guests.len() {
            let mut live = self.guests[who].live.take().expect("a connection");
            let heard = live.hears_until(&marker).await;
            self.check(who, i64::MAX, heard);
        }
        self.log.iter().map(|told| told.event).collect()
    }
}
