//! Group commit: all changes that wait share one transaction, each in a savepoint.

use super::{Answer, Change, Row, Told, Tx};
use crate::{
    broker::Emit,
    error::{Error, Result},
    insert_all,
    notice::{Notice, Seq},
    sql,
    store::{
        Conn, Rewrite, Store,
        schema::{outbox, sequence},
    },
};
use diesel::{
    backend::Backend,
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::BigInt,
};
use diesel_async::RunQueryDsl;
use futures_util::FutureExt as _;
use std::{panic::AssertUnwindSafe, sync::Arc};
use tokio::sync::{Notify, mpsc};

/// Most changes in one commit: bounds how long the first waits for the last.
const BATCH_MAX: usize = 128;
/// The only row of `sequence`.
const THE_ROW: i64 = 1;

/// The committer's thread, until every [`super::Outbox`] is dropped or one is closed.
pub(super) fn run(store: Store, mut waiting: mpsc::Receiver<Change>, closed: &Notify, told: Told) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return log::error!("the committer can't start: {error}"),
    };
    runtime.block_on(async {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let mut newest = None;
        loop {
            let count = tokio::select! {
                biased;
                // Takes no more; what was accepted before still comes out.
                () = closed.notified(), if !waiting.is_closed() => {
                    waiting.close();
                    continue;
                }
                count = waiting.recv_many(&mut batch, BATCH_MAX) => count,
            };
            if count == 0 {
                break;
            }
            gather(&mut batch, &mut waiting);
            let batch = std::mem::take(&mut batch);
            match newest {
                Some(newest) if batch.iter().all(is_live) => pass_on(batch, newest, &told),
                _ => commit(&store, batch, &mut newest, &told).await,
            }
        }
    });
}

/// Adds those that are just coming. On few cores this thread is woken by the first of many requests that another
/// one is reading, before it can read the others: it lets that one go on, once, and waits for nobody. A commit for all
/// of them costs little more than one for the first, and all leave in one write to each connection. Live notices need no
/// commit: what they would gain is less than what they lose where that thread is busy writing.
fn gather(batch: &mut Vec<Change>, waiting: &mut mpsc::Receiver<Change>) {
    if !batch.iter().all(is_live) {
        std::thread::yield_now();
    }
    while batch.len() < BATCH_MAX
        && let Ok(change) = waiting.try_recv()
    {
        batch.push(change);
    }
}

const fn is_live(change: &Change) -> bool {
    matches!(change, Change::Live(..))
}

/// Tells the broker of live notices among which nothing is to be committed. `newest` is the last place that
/// this node knows of.
fn pass_on(batch: Vec<Change>, newest: Seq, told: &Told) {
    let mut notices = Vec::with_capacity(batch.len());
    let mut waiting = Vec::with_capacity(batch.len());
    for change in batch {
        if let Change::Live(notice, answer) = change {
            notices.push(notice);
            waiting.push(answer);
        }
    }
    told(Emit(notices));
    for answer in waiting {
        answer(Ok(newest));
    }
}

/// Runs and commits one batch, tells the broker, and only then answers: who asks the broker after an
/// answer finds it told.
async fn commit(store: &Store, batch: Vec<Change>, newest: &mut Option<Seq>, told: &Told) {
    let mut waiting: Vec<(Answer, Seq)> = Vec::with_capacity(batch.len());
    let outcome = match store.write().await {
        Ok(conn) => attempt(Tx::new(conn), batch, &mut waiting).await,
        Err(error) => Err(error),
    };
    let committed = match outcome {
        Ok((notices, last)) => {
            *newest = Some(last);
            if !notices.is_empty() {
                told(Emit(notices));
            }
            true
        }
        Err(error) => {
            log::warn!("{} changes were not committed: {error}", waiting.len());
            false
        }
    };
    for (answer, seq) in waiting {
        answer(if committed { Ok(seq) } else { Err(Error::Unavailable("the change could not be committed".into())) });
    }
}

/// The changes that are kept are added to `kept`, to be answered by the caller; the refused ones
/// are answered here.
async fn attempt(mut tx: Tx, batch: Vec<Change>, kept: &mut Vec<(Answer, Seq)>) -> Result<(Vec<Arc<Notice>>, Seq)> {
    tx.conn.begin().await?;
    let mut done = Vec::new();
    let outcome = run_all(&mut tx, batch, kept, &mut done).await;
    let outcome = match outcome {
        Ok(last) => tx.conn.commit().await.map(|()| last).map_err(Error::from),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(last) => Ok((done, last)),
        Err(error) => {
            // A connection that can't even roll back is broken; the pool notices and drops it.
            tx.conn.rollback().await.ok();
            Err(error)
        }
    }
}

async fn run_all(
    tx: &mut Tx,
    batch: Vec<Change>,
    kept: &mut Vec<(Answer, Seq)>,
    done: &mut Vec<Arc<Notice>>,
) -> Result<Seq> {
    let first = lock(&mut tx.conn).await?;
    let mut last = first;
    for change in batch {
        let work = match change {
            Change::Work(work) => work,
            Change::Live(notice, answer) => {
                done.push(notice);
                kept.push((answer, last));
                continue;
            }
        };
        tx.next_change(last);
        tx.conn.set_savepoint().await?;
        let Ok((keep, answer)) = AssertUnwindSafe(work(tx)).catch_unwind().await else {
            log::error!("a change panicked; it is rolled back");
            tx.conn.return_to_savepoint().await?;
            continue;
        };
        if !keep {
            tx.conn.return_to_savepoint().await?;
            answer(Err(Error::Internal));
            continue;
        }
        let notices = tx.take_told();
        let now = tx.now();
        if let Err(error) = store(&mut tx.conn, &notices, now).await {
            tx.conn.return_to_savepoint().await?;
            answer(Err(error));
            continue;
        }
        tx.conn.release_savepoint().await?;
        last = tx.newest();
        done.extend(notices);
        kept.push((answer, last));
    }
    if last > first {
        let moved = Rewrite::of(&sequence::table, sequence::id.eq(THE_ROW), sequence::newest.eq(last.0));
        sql!(&mut tx.conn, |c| moved.execute(c).await)?;
    }
    Ok(last)
}

/// Takes the lock that makes this the only writer, on all nodes, until commit: a write as the first
/// statement, so that everything read after it is the newest (READ COMMITTED on PostgreSQL, no
/// stale snapshot on SQLite).
async fn lock(conn: &mut Conn) -> Result<Seq> {
    let newest: i64 = sql!(conn, |c| Lock.get_result(c).await)?;
    Ok(Seq(newest))
}

/// Diesel's own would be prepared for each batch.
#[derive(QueryId)]
struct Lock;

impl Query for Lock {
    type SqlType = BigInt;
}

impl<DB: Backend> QueryFragment<DB> for Lock {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        pass.push_sql("UPDATE sequence SET newest = newest RETURNING newest");
        Ok(())
    }
}

async fn store(conn: &mut Conn, notices: &[Arc<Notice>], now: crate::time::Time) -> Result<()> {
    let placed = notices.iter().filter(|notice| notice.seq.is_some());
    let rows: Vec<Row> = placed.map(|notice| Row::of(notice, now)).collect::<Result<_>>()?;
    insert_all!(conn, outbox::table, &rows)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::{Audience, EventName};

    #[test]
    fn a_batch_takes_what_just_came_and_no_more_than_its_bound() {
        let (changes, mut waiting) = mpsc::channel(2 * BATCH_MAX);
        let notice = Notice {
            seq: None,
            event: EventName::Presence,
            payload: "{}".into(),
            audience: Audience::nobody(),
            origin: None,
            effect: None,
        };
        let notice = Arc::new(notice);
        let change = || Change::Live(Arc::clone(&notice), Box::new(drop));
        for _ in 0..BATCH_MAX {
            changes.try_send(change()).expect("room");
        }
        let mut batch = vec![change(), change()];
        gather(&mut batch, &mut waiting);
        assert_eq!((batch.len(), waiting.len()), (BATCH_MAX, 2));
        batch.clear();
        gather(&mut batch, &mut waiting);
        assert_eq!((batch.len(), waiting.len()), (2, 0), "nobody is waited for");
    }
}
