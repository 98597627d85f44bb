//! Which jobs are run next, by whom: decided in one transaction, so that no two runners take one.

use super::{Job, turns::Turns};
use crate::{
    delivery::outbox::Tx,
    error::Result,
    ids::UserId,
    records::{Edit, Viewer, jobs::State},
    sql,
    store::{Conn, schema::jobs},
    time::Time,
};
use diesel::{dsl::min, prelude::*};
use diesel_async::RunQueryDsl;
use std::time::Duration;
use uuid::Uuid;

/// Most users among whom a choice is made. Each may have a place already: so there are always some
/// who have none, as no node has so many places.
const CANDIDATES: i64 = 256;
/// Most jobs that are looked at in one transaction: everybody waits for it.
const LOOKS_MAX: usize = 64;

/// What a runner asks for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// What its leases begin with.
    pub(super) runner: String,
    /// How many jobs it can take.
    pub(super) places: usize,
    /// What its users had.
    pub(super) turns: Turns,
    /// How long a lease is.
    pub(super) keep: Duration,
}

/// What it gets.
#[derive(Debug)]
pub(super) struct Claimed {
    /// Its jobs, each with its lease.
    pub(super) jobs: Vec<(Job, String)>,
    /// After this long there may be more; `None`: not until the bell rings.
    pub(super) next: Option<Duration>,
}

/// Claims what is due, and ends what is due but not to be run any more.
pub(super) async fn claim(tx: &mut Tx, wanted: Wanted) -> Result<Claimed> {
    let now = tx.now();
    let mut waiting = users_with_due_jobs(&mut tx.conn, now).await?;
    let mut turns = wanted.turns;
    let mut jobs = Vec::new();
    let mut looks = 0;
    while jobs.len() < wanted.places && looks < LOOKS_MAX {
        let Some(at) = turns.next(&waiting) else { break };
        let user = waiting[at].0;
        let Some(before) = oldest_due(&mut tx.conn, user, now).await? else {
            waiting.swap_remove(at);
            continue;
        };
        looks += 1;
        let mut edit = Edit { by: Viewer::clerk(user), tx: &mut *tx };
        if let Some(reason) = before.verdict() {
            edit.store(&before, before.clone().ended(Err(reason))).await?;
            continue;
        }
        let lease = format!("{}/{}", wanted.runner, Uuid::new_v4());
        let after = before.clone().claimed(lease.clone(), now + wanted.keep);
        let after = if after.looks_like(&before) {
            edit.store_quietly(&before, after).await?
        } else {
            edit.store(&before, after).await?
        };
        turns.begins(user);
        jobs.push((after, lease));
    }
    let next = next_due(&mut tx.conn).await?.map(|due| now.until(due));
    Ok(Claimed { jobs, next })
}

/// Gives all leases of a runner back: its jobs are due at once, and this was no attempt.
pub(super) async fn give_back(tx: &mut Tx, runner: &str) -> Result<usize> {
    let now = tx.now();
    let of_runner = jobs::table.filter(jobs::state.eq(State::Running).and(jobs::lease.like(format!("{runner}/%"))));
    let given = (jobs::lease.eq(None::<String>), jobs::due_at.eq(now), jobs::attempts.eq(jobs::attempts - 1));
    Ok(sql!(&mut tx.conn, |c| diesel::update(of_runner).set(given).execute(c).await)?)
}

async fn users_with_due_jobs(conn: &mut Conn, now: Time) -> QueryResult<Vec<(UserId, Time)>> {
    let unfinished = jobs::state.eq(State::Pending).or(jobs::state.eq(State::Running));
    let due = jobs::table
        .filter(unfinished.and(jobs::due_at.le(now)))
        .group_by(jobs::user_id)
        .order(min(jobs::due_at))
        .limit(CANDIDATES)
        .select((jobs::user_id, min(jobs::due_at)));
    let users: Vec<(UserId, Option<Time>)> = sql!(conn, |c| due.load(c).await)?;
    Ok(users.into_iter().map(|(user, since)| (user, since.unwrap_or(now))).collect())
}

async fn oldest_due(conn: &mut Conn, user: UserId, now: Time) -> QueryResult<Option<Job>> {
    let unfinished = jobs::state.eq(State::Pending).or(jobs::state.eq(State::Running));
    sql!(conn, |c| jobs::table
        .filter(jobs::user_id.eq(user).and(jobs::due_at.le(now)).and(unfinished))
        .order((jobs::due_at, jobs::id))
        .select(Job::as_select())
        .first(c)
        .await
        .optional())
}

async fn next_due(conn: &mut Conn) -> QueryResult<Option<Time>> {
    let unfinished = jobs::state.eq(State::Pending).or(jobs::state.eq(State::Running));
    sql!(conn, |c| jobs::table.filter(unfinished).select(min(jobs::due_at)).first(c).await)
}
