//! `/admin` (CONTRACT 3): administrators watch the connections there, and are no connections themselves.

use crate::support::{
    Claims, Herald, Over, PATIENCE, Pass, TestServer, User, Way, now,
    socketio::SocketIo,
    wire::{Refusal, Said},
};
use serde_json::{Value, json};
use uuid::Uuid;

const BOTH: [Over; 2] = [Over::SocketIo, Over::Polling];

/// A socket in `/admin`.
struct Office(SocketIo);

impl Office {
    async fn attempt(herald: &Herald, over: Over, token: &str) -> Result<Self, Refusal> {
        let way = Way { namespace: "/admin", ..Way::new(over).pass(Pass::Token(token.to_owned())) };
        let opening = tokio::time::timeout(PATIENCE, SocketIo::open(herald.addr, &way)).await;
        opening.expect("an answer").map(Self)
    }

    async fn open(user: &User, over: Over) -> Self {
        Self::attempt(&user.herald, over, &user.token()).await.expect("let in")
    }

    async fn next(&mut self) -> Said {
        tokio::time::timeout(PATIENCE, self.0.next()).await.expect("something is said")
    }

    /// The next event of this name; numbers come in between.
    async fn hears(&mut self, event: &str) -> Value {
        loop {
            match self.next().await {
                Said::Event { name, data } if name == event => return data,
                Said::Event { name, .. } if ["server_stats", "auth_expiring"].contains(&&*name) => {}
                Said::Event { name, data } if name == "connections" && event == "auth_expiring" => drop(data),
                Said::Event { name, data } => panic!("heard {name} {data}"),
                Said::Ended(end) => panic!("ended: {end:?}"),
                Said::Ack { .. } => {}
            }
        }
    }

    /// It is told of changes until this one.
    async fn hears_of(&mut self, list: &str, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let changes = self.hears("connections").await;
            if let Some(found) = changes[list].as_array().expect("a list").iter().find(|entry| fits(entry)) {
                return found.clone();
            }
        }
    }

    async fn ends(mut self) {
        while !matches!(self.next().await, Said::Ended(_)) {}
    }

    async fn asks(&mut self, event: &str, data: Value) -> Value {
        self.0.say(event, &data, 7).await;
        loop {
            match self.next().await {
                Said::Ack { id: 7, data } => return data,
                Said::Ended(end) => panic!("ended: {end:?}"),
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn administrators_hear_who_comes_who_goes_and_who_is_where() {
    let server = TestServer::start().await;
    let (root, ann, bob) = (server.operator(), server.stranger(&["USER"]), server.stranger(&["USER"]));
    for over in BOTH {
        let here = ann.live(Over::Sse).await;
        let mut office = Office::open(&root, over).await;
        let all = office.hears("connections").await;
        assert_eq!((&all["all"], &all["total"]), (&json!(true), &json!(1)), "{all}");
        let info = root.get("/v1/admin/connections").await.ok().body[0].clone();
        assert_eq!(all["connected"], json!([info]), "as the list over HTTP has it");
        let stats = office.hears("server_stats").await;
        assert_eq!((&stats["clientsCount"], &stats["connections"]["sse"]), (&json!(1), &json!(1)), "{stats}");

        let mut live = bob.live(Over::WebSocket).await;
        let id = live.id();
        let came = office.hears_of("connected", |info| info["id"] == *id).await;
        assert_eq!((&came["userId"], &came["transport"]), (&json!(bob.id), &json!("websocket")));
        let wish = json!({ "ids": [id], "rooms": ["topic-a"] });
        root.post("/v1/admin/connections/join", wish.clone()).await.ok();
        office.hears_of("joined", |moved| *moved == json!({ "id": id, "room": "topic-a" })).await;
        root.post("/v1/admin/connections/leave", wish).await.ok();
        office.hears_of("left", |moved| *moved == json!({ "id": id, "room": "topic-a" })).await;
        live.cut().await;
        office.hears_of("disconnected", |gone| *gone == json!(id)).await;
        let gone = here.id();
        drop(here);
        office.hears_of("disconnected", |id| *id == json!(gone)).await;
        office.0.cut().await;
    }
}

#[tokio::test]
async fn others_are_refused_and_hear_nothing() {
    let server = TestServer::start().await;
    let (ann, sam) = (server.stranger(&["USER"]), server.stranger(&["USER", "SELLER", "BUYER"]));
    let expired = Claims::of(&ann.id, &["ADMIN"]).with("exp", now() - 10).token();
    for over in BOTH {
        for (token, message) in [
            (ann.token(), "forbidden"),
            (sam.token(), "forbidden"),
            ("nonsense".into(), "unauthorized"),
            (expired.clone(), "token_expired"),
        ] {
            let refusal = Office::attempt(&server, over, &token).await.err().expect("a refusal");
            assert_eq!(refusal.message, message);
        }
        // On the same transport, the first that is heard afterwards is what `/` says.
        let way = Way { namespace: "/admin", ..Way::new(over).pass(Pass::Token(ann.token())) };
        let mut wire = SocketIo::engine(server.addr, &way).await.expect("a session");
        wire.enter(&way).await.expect_err("not let in");
        let _someone = sam.live(Over::Sse).await;
        let way = Way { namespace: "/", ..way };
        let mut wire = Office(wire.into_namespace("/"));
        wire.0.enter(&way).await.expect("let in");
        assert!(matches!(wire.next().await, Said::Event { name, .. } if name == "ready"));
    }
}

#[tokio::test]
async fn who_looks_on_is_no_connection() {
    let server = TestServer::start().await;
    let root = server.operator();
    for over in BOTH {
        let mut office = Office::open(&root, over).await;
        assert_eq!(office.hears("connections").await["total"], 0);
        server.marker().await;
        assert!(root.get("/v1/admin/connections").await.ok().list().is_empty());
        let stats = root.get("/v1/admin/stats").await.ok();
        assert_eq!((&stats["connections"]["socketIo"], &stats["connections"]["users"]), (&json!(0), &json!(0)));
        let ann = server.stranger(&["USER"]).live(Over::Sse).await;
        // Nothing but this was said: no notice came through.
        let id = ann.id();
        office.hears_of("connected", |info| info["id"] == *id).await;
        drop(ann);
        office.hears_of("disconnected", |gone| *gone == json!(id)).await;
        office.0.cut().await;
    }
}

#[tokio::test]
async fn it_ends_with_the_login_session_the_role_and_the_user() {
    let server = TestServer::start().await;
    let root = server.operator();
    for over in BOTH {
        let [left, demoted, disabled, deleted] = [
            server.admin("left").await,
            server.admin("demoted").await,
            server.admin("disabled").await,
            server.admin("deleted").await,
        ];
        let mut offices = Vec::new();
        for user in [&left, &demoted, &disabled, &deleted] {
            offices.push(Office::open(user, over).await);
        }
        let mut other = Office::open(&root, over).await;
        left.post("/v1/auth/logout", json!({})).await.gone();
        root.put(format!("/v1/admin/users/{}", demoted.id), json!({ "roles": ["USER"] })).await.ok();
        root.put(format!("/v1/admin/users/{}", disabled.id), json!({ "disabled": true })).await.ok();
        root.delete(format!("/v1/admin/users/{}", deleted.id)).await.gone();
        for office in offices {
            office.ends().await;
        }
        let bob = server.stranger(&["USER"]).live(Over::Sse).await;
        other.hears_of("connected", |info| info["id"] == *bob.id()).await;
        other.0.cut().await;
    }
}

#[tokio::test]
async fn it_ends_with_the_token_unless_it_is_renewed() {
    let server = TestServer::start().await;
    for over in BOTH {
        let sub = Uuid::now_v7().to_string();
        let claims = Claims::of(&sub, &["USER", "ADMIN"]);
        let short = claims.clone().with("exp", now() + 2).token();
        let ending = Office::attempt(&server, over, &short).await.expect("let in");
        let mut renewed = Office::attempt(&server, over, &short).await.expect("let in");
        assert!(renewed.hears("auth_expiring").await["seconds"].as_i64() <= Some(2));
        assert_eq!(renewed.asks("authenticate", json!({ "token": claims.token() })).await, json!({ "ok": true }));
        let other = Claims::of(&Uuid::now_v7().to_string(), &["USER", "ADMIN"]).token();
        assert_eq!(renewed.asks("authenticate", json!({ "token": other })).await["code"], "forbidden");
        let less = claims.clone().with("roles", json!(["USER"])).token();
        assert_eq!(renewed.asks("authenticate", json!({ "token": less })).await["code"], "forbidden");
        assert_eq!(renewed.asks("emit", json!("/")).await["code"], "invalid_request");
        ending.ends().await;
        let ann = server.stranger(&["USER"]).live(Over::Sse).await;
        renewed.hears_of("connected", |info| info["id"] == *ann.id()).await;
        renewed.0.cut().await;
    }
}
