//! Logging in and out against a database in a temporary folder.

use super::*;
use crate::identity::{Role, Sid};
use crate::store::schema::deleted_users;
use std::net::Ipv4Addr;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

struct House {
    auth: Auth,
    outbox: Outbox,
    ann: UserId,
    _folder: tempfile::TempDir,
}

impl House {
    async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&format!("sqlite:{}", folder.path().join("h.db").display())).expect("a store");
        let migrating = store.clone();
        std::thread::spawn(move || migrating.migrate()).join().expect("a thread").expect("tables");
        let (outbox, _) = Outbox::start(store.clone(), Box::new(drop)).expect("an outbox");
        let mut settings = Settings::with_secret(Secret::new("a secret of the tests, 32 bytes and more"));
        settings.cost = Cost::CHEAP;
        change(&mut settings);
        let auth = Auth::start(settings, store, outbox.clone()).await.expect("auth");
        let (ann, hash) = (UserId::generate(), auth.hash(Secret::new("ann's password")).await.expect("a hash"));
        let insert = async move |tx: &mut crate::delivery::outbox::Tx| {
            let row = (
                (users::id.eq(ann), users::email.eq("ann@example.com"), users::password_hash.eq(hash)),
                (users::first_name.eq("Ann"), users::last_name.eq(""), users::roles.eq("[\"USER\",\"ADMIN\"]")),
                (users::disabled.eq(false), users::version.eq(1)),
                (users::notify_admin_on_review_request.eq(true), users::notify_on_event_update.eq(true)),
                (users::created_at.eq(tx.now()), users::updated_at.eq(tx.now())),
            );
            Ok(sql!(&mut tx.conn, |c| diesel::insert_into(users::table).values(row).execute(c).await)?)
        };
        outbox.commit(insert).await.expect("ann");
        Self { auth, outbox, ann, _folder: folder }
    }

    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn login(&self, email: &str, password: &str) -> Result<Pair> {
        self.auth.login(email, Secret::new(password), HERE).await.map(|(pair, _)| pair)
    }

    async fn ann(&self) -> Pair {
        self.login("Ann@example.com ", "ann's password").await.expect("logged in")
    }

    async fn change_ann(&self, roles: &'static str, disabled: bool) {
        let ann = self.ann;
        let work = async move |tx: &mut crate::delivery::outbox::Tx| {
            let set = (users::roles.eq(roles), users::disabled.eq(disabled));
            Ok(sql!(&mut tx.conn, |c| diesel::update(users::table.find(ann)).set(set).execute(c).await)?)
        };
        self.outbox.commit(work).await.expect("changed");
    }

    async fn is_out(&self, token: &str) -> bool {
        matches!(self.auth.identify(token).await, Err(Error::Unauthorized))
    }

    fn mint(&self, user: UserId, sid: &str, roles: &[Role]) -> String {
        let (sid, roles) = (sid.parse::<Sid>().expect("a sid"), roles.iter().copied().collect());
        let claims = Claims { user, sid, roles, topics: Vec::new(), expires_at: Time::now().unix() + 60 };
        self.auth.0.tokens.mint(&claims, Time::now()).expect("a token")
    }
}

fn roles(identity: &Identity) -> Vec<Role> {
    identity.roles.iter().collect()
}

#[actix_web::test]
async fn a_login_gives_a_token_that_says_who_one_is() {
    let house = House::new().await;
    let pair = house.ann().await;
    let identity = house.auth.identify(&pair.access_token).await.expect("an identity");
    assert_eq!((identity.user, roles(&identity)), (house.ann, vec![Role::User, Role::Admin]));
    assert_eq!((pair.token_type, pair.expires_in), ("Bearer", 900));
}

#[actix_web::test]
async fn a_wrong_password_a_stranger_and_a_disabled_user_get_the_same_answer() {
    let house = House::new().await;
    assert!(matches!(house.login("ann@example.com", "wrong").await, Err(Error::Unauthorized)));
    assert!(matches!(house.login("eve@example.com", "wrong").await, Err(Error::Unauthorized)));
    house.change_ann("[\"USER\"]", true).await;
    assert!(matches!(house.login("ann@example.com", "ann's password").await, Err(Error::Unauthorized)));
}

#[actix_web::test]
async fn failures_are_throttled_and_success_never_is() {
    tokio::time::pause();
    let house = House::with(|settings| settings.attempts.per_account = 3).await;
    for _ in 0..20 {
        house.ann().await;
    }
    for email in ["ann@example.com", "eve@example.com"] {
        for _ in 0..3 {
            assert!(matches!(house.login(email, "wrong").await, Err(Error::Unauthorized)));
        }
        for _ in 0..3 {
            assert!(matches!(house.login(email, "wrong").await, Err(Error::RateLimited(1..=300))));
        }
    }
    house.ann().await;
}

#[actix_web::test]
async fn guesses_sent_at_once_do_not_slip_past_the_throttle() {
    tokio::time::pause();
    let house = House::with(|settings| settings.attempts.per_account = 3).await;
    let guesses = futures_util::future::join_all((0..50).map(|_| house.login("ann@example.com", "wrong"))).await;
    let tried = guesses.iter().filter(|outcome| matches!(outcome, Err(Error::Unauthorized))).count();
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    assert!(tried <= 3 + at_once, "{tried}");
}

#[actix_web::test]
async fn a_refresh_token_works_once_and_using_it_again_ends_the_session() {
    let house = House::new().await;
    let first = house.ann().await;
    let second = house.auth.refresh(Secret::new(&*first.refresh_token)).await.expect("a pair");
    assert_ne!(first.access_token, second.access_token);
    let (one, two) = (house.auth.identify(&first.access_token).await, house.auth.identify(&second.access_token).await);
    assert_eq!(one.expect("still good").sid, two.expect("good").sid);
    assert!(matches!(house.auth.refresh(Secret::new(&*first.refresh_token)).await, Err(Error::Unauthorized)));
    assert!(house.is_out(&first.access_token).await);
    assert!(house.is_out(&second.access_token).await);
    assert!(matches!(house.auth.refresh(Secret::new(&*second.refresh_token)).await, Err(Error::Unauthorized)));
    assert!(house.auth.refresh(Secret::new("made up")).await.is_err());
}

#[actix_web::test]
async fn of_two_refreshes_that_race_at_most_one_wins() {
    let house = House::new().await;
    let pair = house.ann().await;
    let refresh = || house.auth.refresh(Secret::new(&*pair.refresh_token));
    let (one, two) = futures_util::join!(refresh(), refresh());
    assert!(one.is_ok() != two.is_ok());
}

#[actix_web::test]
async fn after_logout_nothing_of_the_session_works_but_other_sessions_do() {
    let house = House::new().await;
    let (here, there) = (house.ann().await, house.ann().await);
    let identity = house.auth.identify(&here.access_token).await.expect("an identity");
    house.auth.logout(&identity).await.expect("logged out");
    assert!(house.is_out(&here.access_token).await);
    assert!(house.auth.refresh(Secret::new(&*here.refresh_token)).await.is_err());
    assert!(!house.is_out(&there.access_token).await);
}

#[actix_web::test]
async fn a_session_that_began_elsewhere_can_be_ended_here() {
    let house = House::new().await;
    let token = house.mint(UserId::generate(), "theirs", &[Role::User]);
    let identity = house.auth.identify(&token).await.expect("let in");
    house.auth.logout(&identity).await.expect("logged out");
    assert!(house.is_out(&token).await);
    house.auth.sweep().await.expect("swept");
    assert!(house.is_out(&token).await);
}

#[actix_web::test]
async fn a_token_only_narrows_what_the_record_says_and_a_stranger_keeps_his() {
    let house = House::new().await;
    let as_user = house.mint(house.ann, "s", &[Role::User, Role::Seller]);
    let identity = house.auth.identify(&as_user).await.expect("an identity");
    assert_eq!(roles(&identity), [Role::User], "not ADMIN by the token, not SELLER by the record");
    let as_admin = house.mint(house.ann, "s", &[Role::User, Role::Admin]);
    house.change_ann("[\"USER\"]", false).await;
    assert_eq!(roles(&house.auth.identify(&as_admin).await.expect("an identity")), [Role::User]);
    let stranger = house.mint(UserId::generate(), "t", &[Role::Seller]);
    assert_eq!(roles(&house.auth.identify(&stranger).await.expect("an identity")), [Role::Seller]);
}

#[actix_web::test]
async fn tokens_of_who_is_disabled_or_deleted_stop_working() {
    let house = House::new().await;
    let pair = house.ann().await;
    house.change_ann("[\"USER\"]", true).await;
    assert!(house.is_out(&pair.access_token).await);
    assert!(house.auth.refresh(Secret::new(&*pair.refresh_token)).await.is_err());
    let gone = UserId::generate();
    let token = house.mint(gone, "g", &[Role::User]);
    let work = async move |tx: &mut crate::delivery::outbox::Tx| {
        let row = (deleted_users::id.eq(gone), deleted_users::deleted_at.eq(tx.now()));
        Ok(sql!(&mut tx.conn, |c| diesel::insert_into(deleted_users::table).values(row).execute(c).await)?)
    };
    house.outbox.commit(work).await.expect("deleted");
    assert!(house.is_out(&token).await);
}

#[actix_web::test]
async fn a_ticket_lets_its_owner_in_once() {
    let house = House::new().await;
    let identity = house.auth.identify(&house.ann().await.access_token).await.expect("an identity");
    let ticket = house.auth.ticket(&identity).await.expect("a ticket");
    let (one, two) = futures_util::join!(house.auth.redeem(&ticket), house.auth.redeem(&ticket));
    let (won, lost) = if one.is_ok() { (one, two) } else { (two, one) };
    assert_eq!(house.auth.narrow(won.expect("let in")).await.expect("let in"), identity);
    assert!(matches!(lost, Err(Error::Unauthorized)));
    let ticket = house.auth.ticket(&identity).await.expect("a ticket");
    house.auth.logout(&identity).await.expect("logged out");
    let claims = house.auth.redeem(&ticket).await.expect("what the token said");
    assert!(matches!(house.auth.narrow(claims).await, Err(Error::Unauthorized)));
}
