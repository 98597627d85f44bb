//! Who is who (CONTRACT 2): accounts, tokens, login sessions, roles, and that all of it is in force on
//! live connections at once.

use crate::support::{Claims, Database, Live, Over, PASSWORD, Pass, Process, SECRET, TestServer, Way, claims_of, now};
use herald::{config::Config, store::schema::tickets};
use serde_json::{Value, json};

fn person(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD, "firstName": "Ann", "lastName": "Other" })
}

#[tokio::test]
async fn who_registers_gets_a_user_record_that_shows_no_password() {
    let server = TestServer::start().await;
    let made = server.post("/v1/auth/register", person("ann@example.com")).await.created();
    assert_eq!(made["email"], "ann@example.com");
    assert_eq!((&made["firstName"], &made["lastName"]), (&json!("Ann"), &json!("Other")));
    assert_eq!(made["roles"], json!(["USER"]));
    assert_eq!(made["version"], 1);
    let text = made.body.to_string();
    assert!(!text.to_lowercase().contains("password") && !text.contains("argon2"), "{text}");
}

#[tokio::test]
async fn an_address_registers_once_however_it_is_written() {
    let server = TestServer::start().await;
    server.post("/v1/auth/register", person("ann@example.com")).await.created();
    server.post("/v1/auth/register", person("Ann@Example.COM")).await.refused(409, "conflict");
}

#[tokio::test]
async fn what_can_be_no_account_is_refused_by_field() {
    let server = TestServer::start().await;
    let with = |field: &str, value: Value| {
        let mut body = person("ann@example.com");
        body[field] = value;
        server.post("/v1/auth/register", body)
    };
    with("email", json!("nobody")).await.refused(422, "invalid_request").naming("email");
    with("password", json!("short")).await.refused(422, "invalid_request").naming("password");
    with("roles", json!(["ADMIN"])).await.refused(422, "invalid_request").naming("roles");
    with("firstName", json!(7)).await.refused(422, "invalid_request").naming("firstName");
}

#[tokio::test]
async fn registration_can_be_switched_off() {
    let server = TestServer::with(|config| config.auth.registration = false).await;
    server.post("/v1/auth/register", person("ann@example.com")).await.refused(403, "forbidden");
}

#[tokio::test]
async fn who_logs_in_gets_a_token_for_a_while_and_one_for_later() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    let answer = server.post("/v1/auth/login", json!({ "email": ann.email, "password": PASSWORD })).await.ok();
    assert_eq!(answer["tokenType"], "Bearer");
    assert_eq!(answer["user"]["id"], ann.id);
    assert!(answer["refreshToken"].is_string());
    let claims = claims_of(answer["accessToken"].as_str().expect("a token"));
    assert_eq!(claims["sub"], ann.id);
    assert_eq!(claims["roles"], json!(["USER"]));
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("herald"), &json!("herald")));
    let left = claims["exp"].as_i64().expect("exp") - now();
    let said = answer["expiresIn"].as_i64().expect("expiresIn");
    assert!((said - left).abs() <= 2, "{said} s said, {left} s left");
    assert_ne!(claims["sid"], ann.sid(), "each login is a session of its own");
    assert_eq!(ann.get("/v1/user").await.ok()["id"], ann.id);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_get_the_same_answer() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    let login = |email: &str| server.post("/v1/auth/login", json!({ "email": email, "password": "not the password" }));
    let wrong = login(&ann.email).await.refused(401, "unauthorized");
    let unknown = login("nobody@example.com").await.refused(401, "unauthorized");
    assert_eq!(wrong.body, unknown.body);
}

fn three_failures(config: &mut Config) {
    config.auth.attempts.per_account = 3;
}

#[tokio::test]
async fn failed_logins_are_throttled_and_told_when_to_come_back() {
    let server = TestServer::with(three_failures).await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let guess = |email: &str| server.post("/v1/auth/login", json!({ "email": email, "password": "a wrong guess" }));
    for _ in 0..3 {
        guess(&ann.email).await.refused(401, "unauthorized");
    }
    let refused = guess(&ann.email).await.refused(429, "rate_limited");
    let wait: u64 = refused.header("Retry-After").expect("Retry-After").parse().expect("seconds");
    assert!((1..=900).contains(&wait), "{wait}");
    // Also for who does not exist: else the answer would tell.
    for _ in 0..3 {
        guess("nobody@example.com").await.refused(401, "unauthorized");
    }
    guess("nobody@example.com").await.refused(429, "rate_limited");
    bob.login().await;
}

#[tokio::test]
async fn guessing_at_many_accounts_from_one_address_is_throttled_as_well() {
    let server = TestServer::with(|config| config.auth.attempts.per_address = 4).await;
    let ann = server.user("ann").await;
    for n in 0..4 {
        let guess = json!({ "email": format!("user{n}@example.com"), "password": "a wrong guess" });
        server.post("/v1/auth/login", guess).await.refused(401, "unauthorized");
    }
    let guess = json!({ "email": ann.email, "password": "a wrong guess" });
    let refused = server.post("/v1/auth/login", guess).await.refused(429, "rate_limited");
    assert!(refused.header("Retry-After").is_some());
}

#[tokio::test]
async fn successful_logins_are_never_throttled() {
    let server = TestServer::with(three_failures).await;
    let ann = server.user("ann").await;
    for _ in 0..12 {
        ann.login().await;
    }
    // Nor by what somebody else guesses.
    for _ in 0..3 {
        let guess = json!({ "email": ann.email, "password": "a wrong guess" });
        server.post("/v1/auth/login", guess).await.refused(401, "unauthorized");
    }
    ann.login().await;
}

#[tokio::test]
async fn a_refresh_token_gives_a_new_pair_of_the_same_session() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    let (access, refresh, sid) = (ann.token(), ann.refresh_token(), ann.sid());
    ann.refresh().await;
    assert_ne!(ann.token(), access);
    assert_ne!(ann.refresh_token(), refresh);
    assert_eq!(ann.sid(), sid);
    ann.get("/v1/user").await.ok();
}

#[tokio::test]
async fn a_refresh_token_used_twice_ends_the_session_and_closes_its_connections() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    let elsewhere = ann.elsewhere().await;
    let mut robbed = ann.everywhere().await;
    let mut other = elsewhere.everywhere().await;
    let stolen = json!({ "refreshToken": ann.refresh_token() });
    ann.refresh().await;
    ann.get("/v1/user").await.ok();

    server.post("/v1/auth/refresh", stolen).await.refused(401, "unauthorized");

    robbed.ends().await;
    ann.get("/v1/user").await.refused(401, "unauthorized");
    let newest = json!({ "refreshToken": ann.refresh_token() });
    server.post("/v1/auth/refresh", newest).await.refused(401, "unauthorized");
    other.hears_nothing().await;
    elsewhere.get("/v1/user").await.ok();
}

#[tokio::test]
async fn an_access_token_is_no_refresh_token_nor_the_other_way_round() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    let body = json!({ "refreshToken": ann.token() });
    server.post("/v1/auth/refresh", body).await.refused(401, "unauthorized");
    let call = server.call("GET", "/v1/user").header("Authorization", format!("Bearer {}", ann.refresh_token()));
    call.await.refused(401, "unauthorized");
    // Neither hurt the session.
    ann.refresh().await;
}

#[tokio::test]
async fn logging_out_closes_every_connection_of_the_session_and_only_those() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let tablet = ann.elsewhere().await;
    let mut here = ann.everywhere().await;
    let (mut on_the_tablet, mut bobs) = (tablet.everywhere().await, bob.everywhere().await);

    let seq = ann.call("POST", "/v1/auth/logout").await.gone().header("X-Herald-Seq").map(str::to_owned);
    assert!(seq.is_some_and(|seq| seq.parse::<i64>().is_ok()), "every write says its place");

    here.ends().await;
    ann.get("/v1/user").await.refused(401, "unauthorized");
    let later = json!({ "refreshToken": ann.refresh_token() });
    server.post("/v1/auth/refresh", later).await.refused(401, "unauthorized");
    for over in Over::ALL {
        let refusal = Live::attempt(&ann, Way::new(over)).await.err().expect("a refusal");
        assert_eq!(refusal.message, "unauthorized", "{over:?}");
    }
    let marker = server.marker().await;
    on_the_tablet.hears_marker(&marker).await;
    bobs.hears_marker(&marker).await;
    tablet.get("/v1/user").await.ok();
}

#[tokio::test]
async fn a_ticket_opens_the_door_once() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    for over in [Over::WebSocket, Over::Sse] {
        let ticket = ann.ticket().await;
        let way = Way::new(over).pass(Pass::Ticket(ticket.clone()));
        let live = ann.live_by(way.clone()).await;
        assert_eq!(live.ready["user"]["id"], ann.id);
        let refusal = Live::attempt(&ann, way).await.err().expect("it was used");
        assert_eq!((refusal.status, refusal.message.as_str()), (Some(401), "unauthorized"), "{over:?}");
        let call = server.call("GET", "/v1/user").header("Authorization", format!("Bearer {ticket}"));
        call.await.refused(401, "unauthorized");
    }
}

#[tokio::test]
async fn a_ticket_that_is_too_old_opens_nothing() {
    use diesel::ExpressionMethods as _;
    use diesel_async::RunQueryDsl as _;
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    let ticket = ann.ticket().await;
    server.writes(async |tx| {
        let past = tx.now().plus_seconds(-1);
        herald::sql!(&mut tx.conn, |c| diesel::update(tickets::table)
            .set(tickets::expires_at.eq(past))
            .execute(c)
            .await)?;
        Ok(())
    });
    let way = Way::new(Over::WebSocket).pass(Pass::Ticket(ticket));
    let refusal = Live::attempt(&ann, way).await.err().expect("it is too old");
    assert_eq!((refusal.status, refusal.message.as_str()), (Some(401), "unauthorized"));
}

#[tokio::test]
async fn a_ticket_of_a_session_that_ended_opens_nothing() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    let ticket = ann.ticket().await;
    ann.call("POST", "/v1/auth/logout").await.gone();
    let refusal = Live::attempt(&ann, Way::new(Over::Sse).pass(Pass::Ticket(ticket))).await.err().expect("a refusal");
    assert_eq!(refusal.status, Some(401));
}

#[tokio::test]
async fn a_token_that_does_not_hold_is_refused_everywhere() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    let good = ann.claims(&["USER"]);
    let unsigned = {
        use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT" })), part(&good.0))
    };
    let bad = [
        ("another secret", good.signed("another secret of 32 bytes or more, quite so")),
        ("no algorithm", unsigned),
        ("another issuer", good.clone().with("iss", "elsewhere").token()),
        ("another audience", good.clone().with("aud", "elsewhere").token()),
        ("no issuer", good.clone().without("iss").token()),
        ("no audience", good.clone().without("aud").token()),
        ("no subject", good.clone().without("sub").token()),
        ("no session", good.clone().without("sid").token()),
        ("no roles", good.clone().without("roles").token()),
        ("no end", good.clone().without("exp").token()),
        ("no beginning", good.clone().without("iat").token()),
        ("not yet", good.clone().with("nbf", now() + 600).token()),
        ("another algorithm", {
            let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
            let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS384);
            jsonwebtoken::encode(&header, &good.0, &key).expect("a token")
        }),
        ("junk", "junk".to_owned()),
    ];
    for (what, token) in bad {
        let call = server.call("GET", "/v1/user").header("Authorization", format!("Bearer {token}"));
        let answer = call.await.refused(401, "unauthorized");
        assert!(answer.header("WWW-Authenticate").is_some_and(|scheme| scheme.starts_with("Bearer")), "{what}");
        for over in Over::ALL {
            let way = Way::new(over).pass(Pass::Token(token.clone()));
            let refusal = Live::attempt(&ann, way).await.err().unwrap_or_else(|| panic!("{what} over {over:?}"));
            assert_eq!(refusal.message, "unauthorized", "{what} over {over:?}: {refusal:?}");
        }
    }
}

#[tokio::test]
async fn an_expired_token_is_refused_and_socket_io_says_why() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    let old = ann.claims(&["USER"]).with("iat", now() - 3600).with("exp", now() - 30).token();
    let call = server.call("GET", "/v1/user").header("Authorization", format!("Bearer {old}"));
    call.await.refused(401, "unauthorized");
    for over in Over::ALL {
        let refusal =
            Live::attempt(&ann, Way::new(over).pass(Pass::Token(old.clone()))).await.err().expect("a refusal");
        let expected = if over.is_socket_io() { "token_expired" } else { "unauthorized" };
        assert_eq!(refusal.message, expected, "{over:?}");
    }
}

#[tokio::test]
async fn somebody_unknown_is_let_in_with_the_roles_of_the_token() {
    let server = TestServer::start().await;
    let (guest, officer) = (server.stranger(&["USER"]), server.stranger(&["USER", "ADMIN"]));
    let department = json!({ "name": "Theirs" });
    guest.post("/v1/departments", department.clone()).await.refused(403, "forbidden");
    officer.post("/v1/departments", department).await.created();
    for over in Over::ALL {
        let (theirs, officers) = (guest.live(over).await, officer.live(over).await);
        assert_eq!(theirs.ready["user"], json!({ "id": guest.id, "roles": ["USER"] }));
        assert_eq!(officers.ready["user"], json!({ "id": officer.id, "roles": ["USER", "ADMIN"] }));
        assert!(officers.ready["rooms"].as_array().expect("rooms").contains(&json!("admin")));
        assert!(!theirs.ready["rooms"].as_array().expect("rooms").contains(&json!("admin")));
    }
}

#[tokio::test]
async fn a_token_narrows_what_the_record_says_and_never_widens_it() {
    let server = TestServer::start().await;
    let (root, ann) = (server.admin("root").await, server.user("ann").await);
    let modest = server.bearer(&root.id, &root.claims(&["USER"]));
    let bold = server.bearer(&ann.id, &ann.claims(&["USER", "ADMIN", "SELLER"]));
    for who in [&modest, &bold] {
        who.post("/v1/departments", json!({ "name": "No" })).await.refused(403, "forbidden");
        for over in Over::ALL {
            let live = who.live(over).await;
            assert_eq!(live.ready["user"]["roles"], json!(["USER"]), "{over:?}");
            assert!(!live.ready["rooms"].as_array().expect("rooms").contains(&json!("admin")), "{over:?}");
        }
    }
    root.post("/v1/departments", json!({ "name": "Yes" })).await.created();
}

#[tokio::test]
async fn whoever_is_disabled_is_out_at_once() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let (mut anns, mut bobs) = (ann.everywhere().await, bob.everywhere().await);
    let path = format!("/v1/admin/users/{}", ann.id);

    server.operator().put(&path, json!({ "disabled": true })).await.ok();

    for live in &mut anns.0 {
        live.ends_at_last().await;
    }
    ann.get("/v1/user").await.refused(401, "unauthorized");
    let later = json!({ "refreshToken": ann.refresh_token() });
    server.post("/v1/auth/refresh", later).await.refused(401, "unauthorized");
    let login = json!({ "email": ann.email, "password": PASSWORD });
    server.post("/v1/auth/login", login).await.refused(401, "unauthorized");
    let refusal = Live::attempt(&ann, Way::new(Over::SocketIo)).await.err().expect("a refusal");
    assert_eq!(refusal.message, "unauthorized");
    bobs.hears_nothing().await;

    server.operator().put(&path, json!({ "disabled": false })).await.ok();
    ann.login().await;
    ann.get("/v1/user").await.ok();
}

#[tokio::test]
async fn whoever_is_deleted_is_out_at_once_and_not_taken_for_a_stranger() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    let mut anns = ann.everywhere().await;
    server.operator().delete(format!("/v1/admin/users/{}", ann.id)).await.gone();
    for live in &mut anns.0 {
        live.ends_at_last().await;
    }
    ann.get("/v1/user").await.refused(401, "unauthorized");
    let refusal = Live::attempt(&ann, Way::new(Over::WebSocket)).await.err().expect("a refusal");
    assert_eq!(refusal.message, "unauthorized");
}

#[tokio::test]
async fn a_role_that_is_taken_away_is_gone_from_live_connections_at_once() {
    let server = TestServer::start().await;
    let (root, other) = (server.admin("root").await, server.admin("other").await);
    let ann = server.user("ann").await;
    let (mut roots, mut others) = (root.everywhere().await, other.everywhere().await);

    let path = format!("/v1/admin/users/{}", root.id);
    server.operator().put(&path, json!({ "roles": ["USER"] })).await.ok();
    roots.hears_of("CHANGED_RECORD", &root.id).await;
    others.hears_of("CHANGED_RECORD", &root.id).await;
    root.post("/v1/departments", json!({ "name": "No" })).await.refused(403, "forbidden");

    let draft = ann.draft("Ask the admins").await;
    ann.moves(&draft.id(), "REVIEW").await.ok();
    others.hears_of("NEW_RECORD", &draft.id()).await;
    roots.hears_nothing().await;
}

#[tokio::test]
async fn a_role_that_is_given_is_in_force_where_the_token_has_it() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    let bold = server.bearer(&ann.id, &ann.claims(&["USER", "ADMIN"]));
    let (mut bolds, mut modest) = (bold.everywhere().await, ann.everywhere().await);

    let path = format!("/v1/admin/users/{}", ann.id);
    server.operator().put(&path, json!({ "roles": ["USER", "ADMIN"] })).await.ok();
    bolds.hears_of("CHANGED_RECORD", &ann.id).await;
    modest.hears_of("CHANGED_RECORD", &ann.id).await;

    let bob = server.stranger(&["USER"]);
    let draft = bob.draft("Ask the admins").await;
    bob.moves(&draft.id(), "REVIEW").await.ok();
    bolds.hears_of("NEW_RECORD", &draft.id()).await;
    bolds.is_notified("event.review_requested").await;
    modest.is_notified("event.review_requested").await;
    modest.hears_nothing().await;
}

#[tokio::test]
async fn a_connection_ends_with_its_token_after_it_was_told() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    let soon = Pass::Token(ann.claims(&["USER"]).with("exp", now() + 4).token());
    let mut ending = Vec::new();
    for over in Over::ALL {
        let mut live = ann.live_by(Way::new(over).pass(soon.clone())).await;
        let told = live.hears("auth_expiring").await;
        assert!(told["seq"].is_null(), "it has no place in the order: {told}");
        ending.push(live);
    }
    let mut staying = ann.live(Over::SocketIo).await;
    for live in &mut ending {
        let end = live.ends().await;
        if live.over() == Over::WebSocket {
            assert_eq!(end.code, Some(4001), "{end:?}");
        }
    }
    staying.hears_nothing().await;
}

#[tokio::test]
async fn a_connection_goes_on_with_a_new_token_of_the_same_session() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let tablet = ann.elsewhere().await;
    for over in Over::BOTH_WAYS {
        let soon = Pass::Token(ann.claims(&["USER"]).with("exp", now() + 50).token());
        let mut ending = ann.live_by(Way::new(over).pass(soon)).await;
        ending.hears("auth_expiring").await;
        ending.is_refused("authenticate", json!({ "token": bob.token() }), "forbidden").await;
        ending.is_refused("authenticate", json!({ "token": tablet.token() }), "forbidden").await;
        ending.is_refused("authenticate", json!({ "token": "junk" }), "unauthorized").await;
    }
    let mut going_on = Vec::new();
    let soon = Pass::Token(ann.claims(&["USER"]).with("exp", now() + 4).token());
    for over in Over::BOTH_WAYS {
        let mut live = ann.live_by(Way::new(over).pass(soon.clone())).await;
        live.hears("auth_expiring").await;
        live.asks("authenticate", json!({ "token": ann.token() })).await;
        going_on.push(live);
    }
    // One that did not authenticate, or was refused, ends: nothing had changed for it.
    let mut ending = ann.live_by(Way::new(Over::WebSocket).pass(soon)).await;
    ending.hears("auth_expiring").await;
    ending.is_refused("authenticate", json!({ "token": bob.token() }), "forbidden").await;
    ending.ends().await;
    let marker = server.marker().await;
    for live in &mut going_on {
        live.hears_marker(&marker).await;
    }
}

#[tokio::test]
async fn a_new_token_with_fewer_roles_leaves_their_rooms() {
    let server = TestServer::start().await;
    let (root, ann) = (server.admin("root").await, server.stranger(&["USER"]));
    let mut live = root.live(Over::SocketIo).await;
    live.asks("authenticate", json!({ "token": root.claims(&["USER"]).token() })).await;
    let draft = ann.draft("Ask the admins").await;
    ann.moves(&draft.id(), "REVIEW").await.ok();
    // The inbox is the user's, whatever the token; the record is not seen any more.
    live.is_notified("event.review_requested").await;
    live.hears_nothing().await;
}

#[tokio::test]
async fn herald_mints_tokens_for_operators() {
    let server = TestServer::start().await;
    let sub = uuid::Uuid::now_v7().to_string();
    let mut mint = Process::command(&server.database);
    mint.args(["token", "--sub", &sub, "--roles", "USER,ADMIN", "--ttl", "10m", "--topics", "a,b*"]);
    let output = mint.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let token = String::from_utf8(output.stdout).expect("text").trim().to_owned();
    let claims = claims_of(&token);
    assert_eq!(claims["sub"], sub);
    assert_eq!(claims["roles"], json!(["USER", "ADMIN"]));
    assert_eq!(claims["topics"], json!(["a", "b*"]));
    let left = claims["exp"].as_i64().expect("exp") - now();
    assert!((590..=600).contains(&left), "{left}");
    let officer = server.bearer(&sub, &Claims(claims));
    officer.post("/v1/departments", json!({ "name": "Minted" })).await.created();
    let call = server.call("GET", "/v1/events").header("Authorization", format!("Bearer {token}"));
    call.await.ok();
}

#[tokio::test]
async fn herald_says_all_that_is_wrong_with_its_settings_at_once() {
    let database = Database::fresh().await;
    let mut command = Process::command(&database);
    command.env("JWT_SECRET", "short").env("HERALD_ADDR", "nowhere").env("HISTORY_DAYS", "many");
    let output = command.output().expect("it runs");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    for name in ["JWT_SECRET", "HERALD_ADDR", "HISTORY_DAYS"] {
        assert!(said.contains(name), "{name} is not named in: {said}");
    }
}
