//! E-mail as the last resort: once, to those who want it, about what nobody confirmed (docs/protocol.md).
//! A mailer beside the server is stepped by hand, at the time that the story needs.

use crate::support::{
    Database, Herald, Process, TestServer, User,
    smtp::{Door, Mood, PostOffice},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use herald::{
    delivery::{
        inbox::{Inbox, Message, notify},
        mail::{Mailer, PATIENCE, Round, Settings},
        outbox::{Outbox, Tx},
    },
    error::Result,
    ids::{NotificationId, UserId},
    sql,
    store::{Store, schema::notifications},
    time::Time,
};
use serde_json::json;
use std::time::Duration;

const AFTER: i64 = 900;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Another node on the same database, with a mailer that works when it is told to.
struct Node {
    store: Store,
    outbox: Outbox,
    mailer: Mailer,
    /// What its clock says.
    now: Time,
}

impl Node {
    fn of(database: &Database, office: &PostOffice) -> Self {
        Self::with_patience(database, office, PATIENCE)
    }

    fn with_patience(database: &Database, office: &PostOffice, patience: Duration) -> Self {
        let store = Store::open(&database.url).expect("a store");
        let (outbox, _) = Outbox::start(store.clone(), Box::new(|_| {})).expect("a committer");
        let settings = Settings {
            server: office.url().parse().expect("an SMTP_URL"),
            from: "Herald <herald@example.com>".parse().expect("a sender"),
            after_seconds: AFTER,
            patience,
        };
        let mailer = Mailer::new(settings, None, store.clone(), outbox.clone()).expect("a mailer");
        Self { store, outbox, mailer, now: Time::now() }
    }

    /// Later by so many seconds; what was created just now is due from [`AFTER`] on.
    fn waits(&mut self, seconds: i64) {
        self.now = self.now.plus_seconds(seconds);
    }

    async fn step(&mut self) -> Round {
        self.mailer.step(self.now).await.expect("a round")
    }

    /// One round in which this becomes of what is due.
    async fn sends(&mut self, sent: usize, postponed: usize, failed: usize) {
        let round = self.step().await;
        assert_eq!((round.sent, round.postponed, round.failed), (sent, postponed, failed), "sent, postponed, failed");
    }

    async fn does<T: Send + 'static>(&self, work: impl AsyncFnOnce(&mut Tx) -> Result<T> + Send + 'static) -> T {
        self.outbox.commit(work).await.expect("it is done").value
    }

    /// Puts a message into somebody's inbox; its id.
    async fn notifies(&self, user: &User, message: &str) -> NotificationId {
        let id: UserId = user.id.parse().expect("an id");
        let what = Message { kind: "test".into(), message: message.into(), data: None };
        self.does(async move |tx| {
            notify(tx, &[id], &what).await?;
            let newest = notifications::table.filter(notifications::user_id.eq(id)).order(notifications::seq.desc());
            Ok(sql!(&mut tx.conn, |c| newest.select(notifications::id).first(c).await)?)
        })
        .await
    }

    /// How far its e-mail has come: state, and attempts.
    async fn mail_of(&self, id: NotificationId) -> (String, i32) {
        let mut conn = self.store.read().await.expect("a connection");
        let row = notifications::table.filter(notifications::id.eq(id));
        let row = row.select((notifications::mail_state, notifications::mail_attempts));
        sql!(&mut conn, |c| row.first(c).await).expect("a notification")
    }
}

async fn server_and_node(office: &PostOffice) -> (TestServer, Node) {
    let server = TestServer::start().await;
    let node = Node::of(&server.database, office);
    (server, node)
}

async fn prefers(user: &User, e_mail: bool) {
    user.put(format!("/v1/users/{}", user.id), json!({ "notifyByEmail": e_mail })).await.ok();
}

#[tokio::test]
async fn a_notification_that_nobody_confirmed_goes_out_after_its_time_and_only_once() {
    let office = PostOffice::open();
    let (server, mut node) = server_and_node(&office).await;
    let ann = server.user("ann").await;
    ann.put(format!("/v1/users/{}", ann.id), json!({ "firstName": "Änn\r\nCc: x" })).await.ok();
    let id = node.notifies(&ann, "Grüße: „Tea\" was published\r\nBcc: eve@example.com\n\n.\nthe end 🎉").await;
    node.waits(AFTER - 60);
    node.sends(0, 0, 0).await;
    node.waits(120);
    node.sends(1, 0, 0).await;
    for later in [0, HOUR, DAY] {
        node.waits(later);
        node.sends(0, 0, 0).await;
    }
    let mail = office.only();
    assert_eq!((mail.from.as_str(), &mail.to), ("herald@example.com", &vec![ann.email.clone()]));
    assert_eq!(mail.header("From"), "Herald <herald@example.com>");
    assert_eq!(mail.header("To"), format!("Änn Cc: x Test <{}>", ann.email));
    assert_eq!(mail.header("Subject"), "Grüße: „Tea\" was published Bcc: eve@example.com . the end 🎉");
    assert_eq!(mail.header("Message-ID"), format!("<{id}@example.com>"));
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    let (head, _) = mail.raw.split_once("\r\n\r\n").expect("a head");
    assert!(!head.contains("\r\nBcc") && head.is_ascii(), "{head}");
    let text = mail.text();
    assert!(text.starts_with("Grüße: „Tea\" was published\nBcc: eve@example.com\n\n.\nthe end 🎉\n"), "{text}");
    assert!(text.contains("notifyByEmail"), "how to be rid of it: {text}");
    assert_eq!(node.mail_of(id).await, ("SENT".to_owned(), 1));
}

#[tokio::test]
async fn nothing_goes_out_of_what_was_confirmed_read_deleted_or_to_those_who_do_not_want_it() {
    let office = PostOffice::open();
    let (server, mut node) = server_and_node(&office).await;
    let (ann, bob, cleo, dan) =
        (server.user("ann").await, server.user("bob").await, server.user("cleo").await, server.user("dan").await);
    let confirmed = node.notifies(&ann, "confirmed").await;
    let inbox = Inbox::new(node.store.clone(), node.outbox.clone());
    inbox.confirm(ann.id.parse().expect("an id"), vec![confirmed]).await.expect("confirmed");
    let (read, deleted) = (node.notifies(&ann, "read").await, node.notifies(&ann, "deleted").await);
    node.does(async move |tx| {
        let read = diesel::update(notifications::table.filter(notifications::id.eq(read)));
        sql!(&mut tx.conn, |c| read.set(notifications::status.eq("READ")).execute(c).await)?;
        let deleted = notifications::table.filter(notifications::id.eq(deleted));
        Ok(sql!(&mut tx.conn, |c| diesel::delete(deleted).execute(c).await)?)
    })
    .await;
    node.notifies(&bob, "unwanted").await;
    prefers(&bob, false).await;
    node.notifies(&cleo, "to somebody shut out").await;
    server.operator().put(format!("/v1/admin/users/{}", cleo.id), json!({ "disabled": true })).await.ok();
    node.notifies(&dan, "to somebody who is gone").await;
    server.operator().delete(format!("/v1/admin/users/{}", dan.id)).await.gone();
    node.notifies(&server.stranger(&["USER"]), "to somebody without a record").await;
    node.waits(HOUR);
    node.sends(0, 0, 0).await;
    // The proof that it did look: this one goes out.
    let marker = node.notifies(&ann, "marker").await;
    node.sends(1, 0, 0).await;
    assert_eq!(office.only().header("Message-ID"), format!("<{marker}@example.com>"));
    // Who changes their mind in time gets it after all.
    prefers(&bob, true).await;
    node.sends(1, 0, 0).await;
    assert_eq!(office.takes(2).await[1].to, [bob.email]);
}

#[tokio::test]
async fn old_news_is_not_sent_when_e_mail_is_switched_on() {
    let office = PostOffice::open();
    let (server, mut node) = server_and_node(&office).await;
    let ann = server.user("ann").await;
    node.notifies(&ann, "old").await;
    node.waits(AFTER + DAY + 60);
    node.sends(0, 0, 0).await;
    node.waits(-120);
    node.sends(1, 0, 0).await;
}

#[tokio::test]
async fn a_server_that_is_away_costs_one_of_many_an_attempt_and_all_go_out_when_it_is_back() {
    let mut office = PostOffice::open();
    let (server, mut node) = server_and_node(&office).await;
    let ann = server.user("ann").await;
    let (first, second) = (node.notifies(&ann, "first").await, node.notifies(&ann, "second").await);
    office.closes();
    node.waits(HOUR);
    node.sends(0, 1, 0).await;
    assert_eq!(node.mail_of(first).await, ("NONE".to_owned(), 1));
    assert_eq!(node.mail_of(second).await, ("NONE".to_owned(), 0));
    // Meanwhile the first waits for its next attempt.
    node.sends(0, 1, 0).await;
    node.sends(0, 0, 0).await;
    office.opens_again();
    node.waits(60);
    node.sends(2, 0, 0).await;
    node.waits(HOUR);
    node.sends(0, 0, 0).await;
    assert_eq!(office.mails().len(), 2);
}

#[tokio::test]
async fn what_is_confirmed_while_the_server_is_away_is_not_sent() {
    let mut office = PostOffice::open();
    let (server, mut node) = server_and_node(&office).await;
    let ann = server.user("ann").await;
    let id = node.notifies(&ann, "seen meanwhile").await;
    office.closes();
    node.waits(HOUR);
    node.sends(0, 1, 0).await;
    let inbox = Inbox::new(node.store.clone(), node.outbox.clone());
    inbox.confirm(ann.id.parse().expect("an id"), vec![id]).await.expect("confirmed");
    office.opens_again();
    node.waits(HOUR);
    node.sends(0, 0, 0).await;
}

#[tokio::test]
async fn a_recipient_who_is_refused_for_now_or_for_good_holds_up_nobody() {
    let office = PostOffice::open();
    let (server, mut node) = server_and_node(&office).await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let later = node.notifies(&ann, "to Ann").await;
    node.notifies(&bob, "to Bob").await;
    office.is(Mood::LaterFor(ann.email.clone()));
    node.waits(HOUR);
    node.sends(1, 1, 0).await;
    assert_eq!(node.mail_of(later).await, ("NONE".to_owned(), 1));
    office.is(Mood::Refuses(ann.email.clone()));
    let again = node.notifies(&bob, "to Bob again").await;
    node.waits(60);
    node.sends(1, 0, 1).await;
    assert_eq!(node.mail_of(later).await, ("FAILED".to_owned(), 2));
    office.is(Mood::Takes);
    node.waits(HOUR);
    node.sends(0, 0, 0).await;
    assert_eq!(office.mails()[1].header("Message-ID"), format!("<{again}@example.com>"));
    assert_eq!(office.visits(), 1, "all over one line");
}

#[tokio::test]
async fn an_address_that_the_server_can_not_write_is_given_up_at_once() {
    let office = PostOffice::open();
    let (server, mut node) = server_and_node(&office).await;
    let email = format!("jürgen-{}@müller.example", uuid::Uuid::new_v4());
    let person = json!({ "email": email, "password": crate::support::PASSWORD, "firstName": "Jürgen" });
    let id = server.post("/v1/auth/register", person).await.created().id();
    let jürgen = server.bearer(&id, &crate::support::Claims::of(&id, &["USER"]));
    let id = node.notifies(&jürgen, "to nowhere").await;
    node.waits(HOUR);
    node.sends(0, 0, 1).await;
    assert_eq!(node.mail_of(id).await.0, "FAILED");
}

#[tokio::test]
async fn a_server_that_closes_or_wants_another_sender_fails_nobody() {
    let office = PostOffice::open();
    let (server, mut node) = server_and_node(&office).await;
    let ann = server.user("ann").await;
    let id = node.notifies(&ann, "patience").await;
    let other = node.notifies(&server.user("bob").await, "patience").await;
    node.waits(HOUR);
    for (attempts, mood) in [(1, Mood::Closes), (2, Mood::WantsAnotherSender)] {
        office.is(mood);
        node.sends(0, 1, 0).await;
        assert_eq!(node.mail_of(id).await, ("NONE".to_owned(), attempts));
        assert_eq!(node.mail_of(other).await, ("NONE".to_owned(), 0), "the round ended");
        node.waits(HOUR);
    }
    office.is(Mood::Takes);
    node.sends(2, 0, 0).await;
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left_after_a_while() {
    let office = PostOffice::open();
    let server = TestServer::start().await;
    let mut node = Node::with_patience(&server.database, &office, Duration::from_millis(100));
    let ann = server.user("ann").await;
    node.notifies(&ann, "hello?").await;
    office.is(Mood::Hangs);
    node.waits(HOUR);
    node.sends(0, 1, 0).await;
    let mut node = Node::of(&server.database, &office);
    office.is(Mood::Takes);
    node.waits(2 * HOUR);
    node.sends(1, 0, 0).await;
    office.only();
}

#[tokio::test]
async fn a_line_that_broke_before_the_answer_brings_the_mail_again_and_one_can_tell() {
    let office = PostOffice::open();
    let (server, mut node) = server_and_node(&office).await;
    let ann = server.user("ann").await;
    node.notifies(&ann, "perhaps twice").await;
    office.is(Mood::BreaksAfterTaking);
    node.waits(HOUR);
    node.sends(0, 1, 0).await;
    office.is(Mood::Takes);
    node.waits(HOUR);
    node.sends(1, 0, 0).await;
    let mails = office.takes(2).await;
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
}

#[tokio::test]
async fn attempts_come_to_an_end() {
    let office = PostOffice::open();
    let (server, mut node) = server_and_node(&office).await;
    let ann = server.user("ann").await;
    let id = node.notifies(&ann, "in vain").await;
    office.is(Mood::LaterFor(ann.email.clone()));
    node.waits(HOUR);
    for _ in 1..12 {
        node.sends(0, 1, 0).await;
        node.waits(2 * HOUR);
    }
    node.sends(0, 0, 1).await;
    assert_eq!(node.mail_of(id).await, ("FAILED".to_owned(), 12));
    office.is(Mood::Takes);
    node.waits(2 * HOUR);
    node.sends(0, 0, 0).await;
}

#[tokio::test]
async fn two_nodes_send_each_mail_once() {
    let office = PostOffice::open();
    let (server, mut one) = server_and_node(&office).await;
    let mut other = Node::of(&server.database, &office);
    let mut ids = Vec::new();
    for name in ["ann", "bob", "cleo"] {
        let user = server.user(name).await;
        for n in 0..10 {
            ids.push(format!("<{}@example.com>", one.notifies(&user, &n.to_string()).await));
        }
    }
    one.waits(HOUR);
    other.waits(HOUR);
    let mut sent = [0, 0];
    for _ in 0..2 {
        let (by_one, by_other) = tokio::join!(one.step(), other.step());
        sent = [sent[0] + by_one.sent, sent[1] + by_other.sent];
    }
    assert!(sent[0] > 0 && sent[1] > 0, "both worked: {sent:?}");
    let mut heard: Vec<String> = office.mails().iter().map(|mail| mail.header("Message-ID")).collect();
    heard.sort();
    ids.sort();
    assert_eq!(heard, ids);
}

#[tokio::test]
async fn nobody_gets_more_than_twenty_an_hour_and_that_holds_up_nobody_else() {
    let office = PostOffice::open();
    let (server, mut node) = server_and_node(&office).await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    for n in 0..45 {
        node.notifies(&ann, &n.to_string()).await;
    }
    node.notifies(&bob, "one").await;
    node.waits(2 * HOUR);
    let full = node.step().await;
    assert_eq!((full.sent, full.more), (20, true));
    node.sends(1, 0, 0).await;
    assert_eq!(office.takes(21).await[20].to, std::slice::from_ref(&bob.email), "the rest of hers waits");
    node.waits(HOUR - 60);
    node.sends(0, 0, 0).await;
    node.waits(120);
    node.sends(20, 0, 0).await;
    assert_eq!(office.visits(), 1, "all over one line");
    // Two nodes that saw the same do not give her more, either.
    let mut other = Node::of(&server.database, &office);
    other.now = node.now;
    for _ in 0..18 {
        node.notifies(&bob, "more").await;
    }
    node.waits(HOUR - 120);
    other.waits(HOUR - 120);
    tokio::join!(node.step(), other.step());
    assert_eq!(office.mails().len(), 59, "41 and 18");
    for n in 0..10 {
        node.notifies(&bob, &n.to_string()).await;
    }
    tokio::join!(node.step(), other.step());
    assert_eq!(office.mails().len(), 61, "20 within an hour to Bob");
}

#[tokio::test]
async fn a_password_is_never_said_without_tls() {
    let office = PostOffice::behind(Door::PasswordInTheClear);
    let (server, mut node) = server_and_node(&office).await;
    let ann = server.user("ann").await;
    node.notifies(&ann, "secret").await;
    node.waits(HOUR);
    node.sends(0, 1, 0).await;
    assert_eq!((office.visits(), office.passwords(), office.mails().len()), (1, 0, 0));
}

/// The program with an office, and somebody with something undelivered for an hour.
async fn program(office: &PostOffice) -> (Process, Node, User) {
    let url = office.url();
    let settings = [
        ("SMTP_URL", url.as_str()),
        ("MAIL_FROM", "herald@example.com"),
        ("MAIL_AFTER_SECONDS", "1"),
        ("SSL_CERT_FILE", PostOffice::certificate()),
    ];
    let process = Process::with(&settings).await;
    let node = Node::of(&process.database, office);
    let herald: Herald = *process;
    let ann = herald.user("ann").await;
    (process, node, ann)
}

/// Makes it look as if it had been created an hour ago.
async fn ages(node: &Node, id: NotificationId) {
    node.does(async move |tx| {
        let then = tx.now().plus_seconds(-HOUR);
        let one = diesel::update(notifications::table.filter(notifications::id.eq(id)));
        Ok(sql!(&mut tx.conn, |c| one.set(notifications::created_at.eq(then)).execute(c).await)?)
    })
    .await;
}

#[tokio::test]
async fn the_program_sends_over_tls_with_its_password() {
    for door in [Door::Wrapped, Door::StartTls] {
        let office = PostOffice::behind(door);
        let (_process, node, ann) = program(&office).await;
        let id = node.notifies(&ann, "over TLS").await;
        ages(&node, id).await;
        let mails = office.takes(1).await;
        assert_eq!(mails[0].header("Subject"), "over TLS");
        assert!(office.passwords() >= 1, "{door:?}");
    }
}

#[tokio::test]
async fn killed_between_claim_and_sending_it_sends_when_the_claim_lapsed() {
    let office = PostOffice::open();
    office.is(Mood::Hangs);
    let (mut process, node, ann) = program(&office).await;
    let id = node.notifies(&ann, "after all").await;
    ages(&node, id).await;
    office.is_visited(1).await;
    process.kill_9();
    assert_eq!(node.mail_of(id).await, ("CLAIMED".to_owned(), 1));
    office.is(Mood::Takes);
    // Nobody takes it while the claim lasts.
    let mut other = Node::of(&process.database, &office);
    other.waits(60);
    other.sends(0, 0, 0).await;
    process.restart();
    node.does(async move |tx| {
        let lapsed = tx.now().plus_seconds(-1);
        let one = diesel::update(notifications::table.filter(notifications::id.eq(id)));
        Ok(sql!(&mut tx.conn, |c| one.set(notifications::mail_due_at.eq(lapsed)).execute(c).await)?)
    })
    .await;
    let mails = office.takes(1).await;
    assert_eq!(mails[0].header("Message-ID"), format!("<{id}@example.com>"));
    // What it sends next is the proof that it sent no second one.
    let marker = node.notifies(&ann, "marker").await;
    ages(&node, marker).await;
    assert_eq!(office.takes(2).await[1].header("Subject"), "marker");
    assert_eq!(office.mails().len(), 2);
}

#[tokio::test]
async fn a_mail_server_that_hangs_does_not_keep_the_program_from_stopping() {
    let office = PostOffice::open();
    office.is(Mood::Hangs);
    let (mut process, node, ann) = program(&office).await;
    let id = node.notifies(&ann, "stuck").await;
    ages(&node, id).await;
    office.is_visited(1).await;
    let (status, took) = process.terminate();
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(8), "{took:?}");
}
