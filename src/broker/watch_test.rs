use super::*;
use crate::{
    broker::{
        Connect, Standing, Transport,
        dispatch::Dispatch,
        testing::{Client, id, identity, silent},
    },
    identity::Role,
    ids::UserId,
    notice::{Cursor, Seq},
};
use std::sync::Mutex;

/// Keeps what it is told, while there is room.
#[derive(Clone)]
struct Eye(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    news: Vec<News>,
    room: usize,
    closed: Option<Cause>,
}

impl Watcher for Eye {
    fn tell(&mut self, news: News) -> bool {
        let mut seen = self.0.lock().expect("a lock");
        assert_eq!(seen.closed, None, "nothing is told to one who was closed");
        let room = seen.news.len() < seen.room;
        if room {
            seen.news.push(news);
        }
        room
    }

    fn close(&mut self, cause: Cause) {
        self.0.lock().expect("a lock").closed = Some(cause);
    }
}

impl Eye {
    fn open() -> Self {
        Self(Arc::new(Mutex::new(Seen { room: usize::MAX, ..Seen::default() })))
    }

    /// What it was told since it was last asked, in words.
    fn saw(&self) -> Vec<String> {
        let ids = |infos: &[ConnectionInfo]| infos.iter().map(|info| info.id.to_string()).collect::<Vec<_>>().join(",");
        let word = |news: News| match news {
            News::All(all) => format!("all {}", ids(&all.connections)),
            News::Changes(changes) => format!("+{} -{}", ids(&changes.connected), changes.disconnected.len()),
            News::Stats(_) => "stats".into(),
            News::Expiring { seconds, .. } => format!("{seconds} s left"),
        };
        std::mem::take(&mut self.0.lock().expect("a lock").news).into_iter().map(word).collect()
    }

    fn closed(&self) -> Option<Cause> {
        self.0.lock().expect("a lock").closed
    }

    fn has_room(&self, room: usize) {
        self.0.lock().expect("a lock").room = room;
    }
}

fn at(milliseconds: u64) -> Duration {
    Duration::from_millis(1_000_000 + milliseconds)
}

fn admin() -> Identity {
    identity(UserId::generate(), "root", &[Role::User, Role::Admin])
}

fn watch(dispatch: &mut Dispatch, name: &str, identity: Identity) -> Eye {
    let eye = Eye::open();
    assert!(dispatch.look_on(id(name), identity, Box::new(eye.clone()), at(0), 0));
    eye
}

fn comes(dispatch: &mut Dispatch, name: &str) {
    let standing = Standing { as_of: Seq(0), groups: vec![] };
    let identity = identity(UserId::generate(), name, &[Role::User]);
    assert!(dispatch.connect(Connect {
        connection: id(name),
        identity,
        standing,
        after: Cursor::None,
        rooms: vec![],
        grants: vec![],
        transport: Transport::Sse,
        outlet: Box::new(Client::new(100)),
    }));
}

fn dispatch() -> Dispatch {
    Dispatch::new(Seq(0), 10, 10_000)
}

#[test]
fn the_numbers_are_told_every_two_seconds_and_changes_when_there_are_some() {
    let mut dispatch = dispatch();
    comes(&mut dispatch, "a");
    let eye = watch(&mut dispatch, "eye", admin());
    assert_eq!(eye.saw(), ["all a", "stats"]);
    for moment in [250, 500, 1_999] {
        dispatch.look(at(moment), 0);
        assert_eq!(eye.saw(), Vec::<String>::new(), "at {moment}");
    }
    dispatch.look(at(2_000), 0);
    assert_eq!(eye.saw(), ["stats"]);
    comes(&mut dispatch, "b");
    let slot = dispatch.hub.find(&id("a")).expect("there");
    dispatch.close(slot, Cause::GoingAway);
    dispatch.look(at(2_250), 0);
    assert_eq!(eye.saw(), ["+b -1"]);
    dispatch.look(at(0), 0);
    assert_eq!(eye.saw(), ["stats"], "a clock that was set back does not stop them");
}

#[test]
fn one_who_is_behind_is_told_nothing_in_part_and_all_when_there_is_room() {
    let mut dispatch = dispatch();
    let (slow, quick) = (watch(&mut dispatch, "slow", admin()), watch(&mut dispatch, "quick", admin()));
    slow.saw();
    quick.saw();
    slow.has_room(0);
    comes(&mut dispatch, "a");
    dispatch.look(at(2_000), 0);
    comes(&mut dispatch, "b");
    dispatch.look(at(2_250), 0);
    assert_eq!(slow.saw(), Vec::<String>::new());
    assert_eq!(quick.saw(), ["+a -0", "stats", "+b -0"]);
    slow.has_room(1);
    dispatch.look(at(4_250), 0);
    let all = slow.saw();
    assert!(all == ["all a,b"] || all == ["all b,a"], "{all:?}; the numbers found no room and are not kept");
    slow.has_room(9);
    dispatch.look(at(6_250), 0);
    assert_eq!(slow.saw(), ["stats"]);
}

#[test]
fn nothing_is_noted_while_nobody_watches() {
    let mut dispatch = dispatch();
    comes(&mut dispatch, "a");
    assert!(dispatch.hub.journal.is_none());
    let eye = watch(&mut dispatch, "eye", admin());
    dispatch.watchers.remove(&id("eye"));
    assert!(!dispatch.look(at(0), 0));
    assert!(dispatch.hub.journal.is_none());
    comes(&mut dispatch, "b");
    eye.saw();
    dispatch.look(at(9_000), 0);
    assert_eq!(eye.saw(), Vec::<String>::new());
}

#[test]
fn who_watches_is_warned_before_the_token_ends_and_closed_then_unless_they_go_on() {
    let mut dispatch = dispatch();
    let ends = Identity { expires_at: 1_100, ..admin() };
    let (eye, other) = (watch(&mut dispatch, "eye", ends.clone()), watch(&mut dispatch, "other", ends.clone()));
    eye.saw();
    dispatch.look(at(40_000), 0);
    assert_eq!(eye.saw(), ["60 s left", "stats"]);
    dispatch.look(at(99_999), 0);
    assert_eq!((eye.saw(), eye.closed()), (vec!["stats".into()], None), "warned once");
    let later = Identity { expires_at: 9_999, ..ends.clone() };
    assert_eq!(dispatch.watchers.renew(&id("eye"), later.clone()), Ok(()));
    let stranger = Identity { user: UserId::generate(), ..later.clone() };
    assert_eq!(dispatch.watchers.renew(&id("eye"), stranger), Err(Refusal::OtherIdentity));
    let less = Identity { roles: [Role::User].into_iter().collect(), ..later };
    assert_eq!(dispatch.watchers.renew(&id("eye"), less), Err(Refusal::Forbidden));
    dispatch.look(at(100_000), 0);
    assert_eq!((eye.closed(), other.closed()), (None, Some(Cause::TokenExpired)));
}

#[test]
fn the_role_the_session_and_the_user_end_it() {
    let lost =
        |user, roles: &[Role], disabled| Effect::Standing { user, roles: roles.iter().copied().collect(), disabled };
    let root = admin();
    let end = Effect::End { sid: root.sid.clone() };
    let effects = [
        (lost(root.user, &[Role::User], false), true),
        (lost(root.user, &[Role::User, Role::Admin], true), true),
        (end, true),
        (lost(root.user, &[Role::Admin, Role::Buyer], false), false),
        (lost(UserId::generate(), &[], true), false),
        (Effect::End { sid: "another".parse().expect("a sid") }, false),
    ];
    for (effect, closes) in effects {
        let mut dispatch = dispatch();
        let eye = watch(&mut dispatch, "eye", root.clone());
        dispatch.read_done(Ok(crate::broker::Page { notices: vec![], newest: Seq(0), pruned: Seq(0) }));
        dispatch.emit(vec![silent(1, effect.clone())]);
        assert_eq!(eye.closed(), closes.then_some(Cause::Revoked), "{effect:?}");
    }
    // A new token does not bring back what the record took.
    let mut dispatch = dispatch();
    let eye = watch(&mut dispatch, "eye", root.clone());
    dispatch.watchers.apply(&lost(root.user, &[Role::Admin], false));
    assert_eq!(dispatch.watchers.renew(&id("eye"), root), Ok(()));
    assert!(!dispatch.watchers.places[0].identity.roles.has(Role::User));
    assert_eq!(eye.closed(), None);
}

#[test]
fn there_are_so_many_places_and_none_when_herald_stops() {
    let mut dispatch = dispatch();
    for number in 0..WATCHERS_MAX {
        watch(&mut dispatch, &number.to_string(), admin());
    }
    let late = Eye::open();
    assert!(!dispatch.look_on(id("late"), admin(), Box::new(late.clone()), at(0), 0));
    assert_eq!(late.closed(), Some(Cause::GoingAway));
    dispatch.close_all(Cause::GoingAway);
    assert!(dispatch.watchers.is_empty());
}
