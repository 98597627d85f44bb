//! The broker as its neighbours meet it: through messages, with a history in memory. Time is
//! paused: timers fire as soon as everybody waits.

use crate::broker::{testing::*, *};
use crate::{
    identity::{Identity, Role},
    ids::UserId,
    notice::{Cursor, Effect, EventName, Notice, Room, Seq},
};
use actix::prelude::*;
use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

fn start(stored: &Arc<Stored>, clock: &Arc<SetClock>) -> Addr<NotificationBroker> {
    start_with(stored, &Letters::new(100), clock)
}

fn start_with(stored: &Arc<Stored>, letters: &Arc<Letters>, clock: &Arc<SetClock>) -> Addr<NotificationBroker> {
    tokio::time::pause();
    let newest = stored.page(Seq(0), 0).newest;
    NotificationBroker::new(stored.clone(), letters.clone(), newest).with_clock(clock.clone()).start()
}

fn user() -> Identity {
    identity(UserId::generate(), "s1", &[Role::User])
}

fn to_all(seqs: std::ops::RangeInclusive<i64>) -> impl Iterator<Item = Arc<Notice>> {
    seqs.map(|seq| notice(seq, [Room::All]))
}

/// Lets everything that is on its way arrive: longer than the tick and all backoffs.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(5)).await;
}

async fn connect(broker: &Addr<NotificationBroker>, name: &str, who: &Identity, as_of: i64, after: Cursor) -> Client {
    let (connect, client) = coming(name, who, as_of, after);
    assert!(broker.send(connect).await.expect("the broker lives"));
    client
}

#[actix::test]
async fn a_connection_hears_ready_and_then_what_comes() {
    let stored = Stored::with(to_all(1..=3));
    let broker = start(&stored, &Arc::default());
    let who = user();
    let client = connect(&broker, "c1", &who, 3, Cursor::None).await;
    settle().await;
    broker.do_send(Emit(vec![stored.add(notice(4, [Room::All]))]));
    settle().await;
    let ready = client.ready();
    assert_eq!(
        ready,
        serde_json::json!({
            "id": "c1", "seq": 3, "user": { "id": who.user, "roles": ["USER"] },
            "rooms": ["all", format!("user-{}", who.user), "session-s1"],
            "refusedRooms": [], "resumed": false, "resync": false
        })
    );
    assert_eq!(client.seqs(), [4]);
}

#[actix::test]
async fn a_cursor_is_answered_with_everything_that_follows_it() {
    let stored = Stored::with(to_all(1..=2000));
    let broker = start(&stored, &Arc::default());
    let client = connect(&broker, "c1", &user(), 2000, Cursor::At(Seq(3))).await;
    settle().await;
    assert_eq!((&client.ready()["resumed"], &client.ready()["seq"]), (&true.into(), &3.into()));
    assert_eq!(client.seqs(), (4..=2000).collect::<Vec<_>>());
}

#[actix::test]
async fn notices_whose_emit_was_lost_are_found_in_the_history() {
    let stored = Stored::with([]);
    let broker = start(&stored, &Arc::default());
    let client = connect(&broker, "c1", &user(), 0, Cursor::None).await;
    settle().await;
    to_all(1..=3).for_each(|notice| drop(stored.add(notice)));
    broker.do_send(Emit(vec![stored.add(notice(4, [Room::All]))]));
    settle().await;
    assert_eq!(client.seqs(), [1, 2, 3, 4], "the gap before the fourth showed it");
    stored.add(notice(5, [Room::All]));
    settle().await;
    assert_eq!(client.seqs(), [1, 2, 3, 4, 5], "looking from time to time showed it");
}

#[actix::test]
async fn while_the_history_is_away_nothing_is_lost() {
    let stored = Stored::with(to_all(1..=3));
    stored.away.store(true, SeqCst);
    let broker = start(&stored, &Arc::default());
    let client = connect(&broker, "c1", &user(), 3, Cursor::At(Seq(1))).await;
    broker.do_send(Emit(vec![stored.add(notice(4, [Room::All])), stored.add(notice(5, [Room::All]))]));
    settle().await;
    assert_eq!(client.events(), Vec::<String>::new());
    stored.away.store(false, SeqCst);
    settle().await;
    assert_eq!(client.seqs(), [2, 3, 4, 5]);
}

#[actix::test]
async fn a_cursor_that_only_the_history_knows_yet_is_no_reason_to_fetch_again() {
    let stored = Stored::with(to_all(1..=3));
    let broker = start(&stored, &Arc::default());
    settle().await;
    stored.add(notice(4, [Room::All]));
    let client = connect(&broker, "known", &user(), 4, Cursor::At(Seq(4))).await;
    let stranger = connect(&broker, "ahead", &user(), 4, Cursor::At(Seq(5))).await;
    settle().await;
    assert_eq!((&client.ready()["resumed"], &client.ready()["resync"]), (&true.into(), &false.into()));
    assert_eq!((&stranger.ready()["resync"], &stranger.ready()["seq"]), (&true.into(), &4.into()));
}

#[actix::test]
async fn who_comes_before_the_broker_heard_of_a_change_that_is_there_already_starts_behind_it() {
    let stored = Stored::with(to_all(1..=3));
    let broker = start(&stored, &Arc::default());
    settle().await;
    stored.add(notice(4, [Room::All]));
    let client = connect(&broker, "new", &user(), 4, Cursor::None).await;
    settle().await;
    broker.do_send(Emit(vec![stored.add(notice(5, [Room::All]))]));
    settle().await;
    assert_eq!(client.ready()["seq"], 4);
    assert_eq!(client.seqs(), [5]);
}

#[actix::test]
async fn a_user_who_is_shut_out_is_gone_at_that_notice() {
    let stored = Stored::with([]);
    let broker = start(&stored, &Arc::default());
    let who = user();
    let client = connect(&broker, "c1", &who, 0, Cursor::None).await;
    settle().await;
    let effect = Effect::Standing { user: who.user, roles: who.roles, disabled: true };
    let out = [notice(1, [Room::All]), silent(2, effect), notice(3, [Room::All])];
    broker.do_send(Emit(out.map(|notice| stored.add(notice)).to_vec()));
    settle().await;
    assert_eq!((client.seqs(), client.closed()), (vec![1], Some(Cause::Revoked)));
    let read = presence::ReadPresence { users: vec![who.user], by: None };
    let state = broker.send(read).await.expect("the broker lives").expect("is answered")[0].state;
    assert_eq!(state.connections, 0);
}

#[actix::test]
async fn joins_answer_where_they_take_hold_and_foreign_rooms_are_refused() {
    let stored = Stored::with(to_all(1..=2));
    let broker = start(&stored, &Arc::default());
    let (mine, topic) = (user(), Room::Topic("news".into()));
    let client = connect(&broker, "c1", &mine, 2, Cursor::At(Seq(0))).await;
    settle().await;
    let join = |room| broker.send(Join { connection: id("c1"), rooms: vec![room], grants: Vec::new() });
    assert_eq!(join(topic.clone()).await.expect("the broker lives"), Ok(Joined { seq: Seq(2) }));
    assert_eq!(join(Room::User(mine.user)).await.expect("the broker lives"), Ok(Joined { seq: Seq(2) }));
    assert_eq!(join(Room::User(UserId::generate())).await.expect("the broker lives"), Err(Refusal::Forbidden));
    broker.do_send(Emit(vec![stored.add(notice(3, [topic.clone()]))]));
    let leave = |room| broker.send(Leave { connection: id("c1"), rooms: vec![room] });
    assert_eq!(leave(topic.clone()).await.expect("the broker lives"), Ok(Joined { seq: Seq(3) }));
    assert_eq!(leave(Room::All).await.expect("the broker lives"), Err(Refusal::Forbidden));
    broker.do_send(Emit(vec![stored.add(notice(4, [topic]))]));
    settle().await;
    assert_eq!(client.seqs(), [1, 2, 3]);
}

#[actix::test]
async fn rooms_of_the_handshake_are_replayed_and_refused_ones_are_named_as_written() {
    let topic = Room::Topic("news".into());
    let stored = Stored::with([notice(1, [topic.clone()]), notice(2, [Room::Sellers])]);
    let broker = start(&stored, &Arc::default());
    let (mut coming, client) = coming("c1", &user(), 2, Cursor::At(Seq(0)));
    coming.rooms = vec!["topic-news".into(), "sellers".into(), "Nowhere ".into()];
    assert!(broker.send(coming).await.expect("the broker lives"));
    settle().await;
    assert_eq!(client.ready()["refusedRooms"], serde_json::json!(["sellers", "Nowhere "]));
    assert_eq!(client.seqs(), [1]);
}

#[actix::test]
async fn a_token_is_announced_to_end_and_ends_unless_it_is_renewed() {
    let clock = Arc::new(SetClock::default());
    let broker = start(&Stored::with([]), &clock);
    let mut who = user();
    who.expires_at = 100;
    let left = connect(&broker, "left", &who, 0, Cursor::None).await;
    let renewed = connect(&broker, "renewed", &who, 0, Cursor::None).await;
    clock.0.store(45, SeqCst);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(left.events(), ["ready", "auth_expiring"]);
    let expiring = left.0.lock().expect("a lock").frames[1].payload.to_string();
    assert_eq!(expiring, r#"{"expiresAt":"1970-01-01T00:01:40.000Z","seconds":55}"#);
    who.expires_at = 1000;
    let authenticate = |identity| broker.send(Authenticate { connection: id("renewed"), identity });
    assert_eq!(authenticate(user()).await.expect("the broker lives"), Err(Refusal::OtherIdentity));
    assert_eq!(authenticate(who.clone()).await.expect("the broker lives"), Ok(()));
    clock.0.store(100, SeqCst);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!((left.closed(), renewed.closed()), (Some(Cause::TokenExpired), None));
    assert_eq!(broker.send(ReadStats).await.expect("the broker lives").users, 1);
    broker.do_send(Disconnect { connection: id("renewed") });
    assert_eq!(broker.send(ReadStats).await.expect("the broker lives").users, 0);
}

#[actix::test]
async fn a_slow_reader_is_closed_at_once_and_nobody_else_notices() {
    let stored = Stored::with([]);
    let broker = start(&stored, &Arc::default());
    let (slow, quick) = (Client::new(2), connect(&broker, "quick", &user(), 0, Cursor::None).await);
    let (mut coming, _) = coming("slow", &user(), 0, Cursor::None);
    coming.outlet = Box::new(slow.clone());
    assert!(broker.send(coming).await.expect("the broker lives"));
    settle().await;
    broker.do_send(Emit(to_all(1..=3).map(|notice| stored.add(notice)).collect()));
    settle().await;
    assert_eq!((slow.seqs(), slow.closed()), (vec![1], Some(Cause::SlowConsumer)));
    assert_eq!(quick.seqs(), [1, 2, 3]);
    assert_eq!(broker.send(ReadStats).await.expect("the broker lives").slow_consumers, 1);
}

#[actix::test]
async fn a_replay_longer_than_the_queue_waits_for_its_reader() {
    let newest = i64::try_from(RECENT).expect("small") + 2000;
    let stored = Stored::with(to_all(1..=newest));
    let broker = start(&stored, &Arc::default());
    // `ready` and one stretch, and not one frame more.
    let client = Client::new(REPLAY_FRAMES + 1);
    let (mut coming, _) = coming("c1", &user(), newest, Cursor::At(Seq(0)));
    coming.outlet = Box::new(client.clone());
    assert!(broker.send(coming).await.expect("the broker lives"));
    settle().await;
    assert_eq!((client.seqs(), client.closed()), ((1..=newest).collect(), None));
}

#[test]
fn it_may_be_made_on_one_thread_and_live_on_another() {
    const fn moves<T: Send>() {}
    moves::<NotificationBroker>();
}

#[actix::test]
async fn a_stopping_broker_closes_everyone_and_takes_no_more() {
    let broker = start(&Stored::with([]), &Arc::default());
    let client = connect(&broker, "c1", &user(), 0, Cursor::None).await;
    broker.send(CloseAll).await.expect("the broker lives");
    assert_eq!(client.closed(), Some(Cause::GoingAway));
    let (coming, late) = coming("c2", &user(), 0, Cursor::None);
    assert!(!broker.send(coming).await.expect("the broker lives"));
    assert_eq!(late.closed(), Some(Cause::GoingAway));
}

#[actix::test]
async fn what_is_live_only_reaches_who_is_live_and_is_not_replayed() {
    let stored = Stored::with(to_all(1..=1));
    let broker = start(&stored, &Arc::default());
    let client = connect(&broker, "c1", &user(), 1, Cursor::None).await;
    settle().await;
    let typing =
        Notice { seq: None, event: EventName::Published("typing".into()), ..(*notice(0, [Room::All])).clone() };
    broker.do_send(Emit(vec![Arc::new(typing)]));
    settle().await;
    let back = connect(&broker, "c2", &user(), 1, Cursor::At(Seq(0))).await;
    settle().await;
    assert_eq!(client.events(), ["ready", "typing"]);
    assert_eq!(back.events(), ["ready", "CHANGED_RECORD", "pending_notifications"]);
}

#[actix::test]
async fn operators_find_connections_by_user_room_and_wire() {
    let broker = start(&Stored::with([]), &Arc::default());
    let (ann, bob) = (user(), identity(UserId::generate(), "s2", &[Role::Admin]));
    let _clients =
        (connect(&broker, "a", &ann, 0, Cursor::None).await, connect(&broker, "b", &bob, 0, Cursor::None).await);
    let find = async |filter: ConnectionFilter| -> Vec<String> {
        let found = broker.send(Connections(filter)).await.expect("the broker lives");
        found.into_iter().map(|info| info.id.to_string()).collect()
    };
    assert_eq!(find(ConnectionFilter::default()).await, ["a", "b"]);
    assert_eq!(find(ConnectionFilter { user: Some(ann.user), ..Default::default() }).await, ["a"]);
    assert_eq!(find(ConnectionFilter { room: Some(Room::Admin), ..Default::default() }).await, ["b"]);
    assert_eq!(find(ConnectionFilter { transport: Some(Transport::Sse), ..Default::default() }).await, [""; 0]);
    assert_eq!(find(ConnectionFilter { limit: Some(1), ..Default::default() }).await, ["a"]);
}

#[actix::test]
async fn what_waits_is_handed_out_page_by_page_once_live_and_the_rest_comes_as_it_happens() {
    let (stored, letters, who) = (Stored::with([]), Letters::new(2), user());
    for seq in 1..=5 {
        stored.add(Arc::new(letters.put(who.user, seq)));
    }
    let broker = start_with(&stored, &letters, &Arc::default());
    let fresh = connect(&broker, "fresh", &who, 5, Cursor::None).await;
    let resumed = connect(&broker, "resumed", &who, 5, Cursor::At(Seq(3))).await;
    let nobody = connect(&broker, "nobody", &user(), 5, Cursor::None).await;
    settle().await;
    broker.do_send(Emit(vec![stored.add(Arc::new(letters.put(who.user, 6)))]));
    settle().await;
    let pages = |client: &Client| -> Vec<usize> {
        let seen = client.0.lock().expect("a lock");
        let pages = seen.frames.iter().filter(|frame| &*frame.event == "pending_notifications");
        pages.map(|frame| frame.confirms().len()).collect()
    };
    assert_eq!((pages(&fresh), fresh.seqs()), (vec![2, 2, 1], vec![6]));
    assert_eq!((pages(&resumed), resumed.seqs()), (vec![2, 1], vec![4, 5, 6]));
    assert_eq!(nobody.events(), ["ready"]);
}

#[actix::test]
async fn while_the_inboxes_are_away_all_else_goes_on_and_what_waits_comes_later() {
    let (stored, letters, who) = (Stored::with([]), Letters::new(2), user());
    stored.add(Arc::new(letters.put(who.user, 1)));
    letters.away.store(true, SeqCst);
    let broker = start_with(&stored, &letters, &Arc::default());
    let client = connect(&broker, "c1", &who, 1, Cursor::None).await;
    settle().await;
    broker.do_send(Emit(vec![stored.add(notice(2, [Room::All]))]));
    settle().await;
    assert_eq!(client.events(), ["ready", "CHANGED_RECORD"]);
    letters.away.store(false, SeqCst);
    settle().await;
    assert_eq!(client.events(), ["ready", "CHANGED_RECORD", "pending_notifications"]);
}

#[actix::test]
async fn a_live_notice_waits_for_those_before_it_that_are_missing() {
    let (stored, letters, who) = (Stored::with([]), Letters::new(2), user());
    let broker = start_with(&stored, &letters, &Arc::default());
    let client = connect(&broker, "c1", &who, 0, Cursor::None).await;
    settle().await;
    stored.away.store(true, SeqCst);
    stored.add(Arc::new(letters.put(who.user, 1)));
    broker.do_send(Emit(vec![stored.add(Arc::new(letters.put(who.user, 2)))]));
    letters.all.lock().expect("a lock").clear();
    broker.do_send(Emit(vec![Arc::new(letters.read(who.user))]));
    settle().await;
    assert_eq!(client.events(), ["ready"]);
    stored.away.store(false, SeqCst);
    settle().await;
    let told = ["new_notification", "notification:received"];
    assert_eq!(client.events(), [&["ready"], &told[..], &told[..], &["notification:read"]].concat());
}
