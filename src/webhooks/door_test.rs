//! How long ids are remembered. Everything else is told as a story in tests/it/webhooks.rs.

use super::*;
use crate::store::Store;

#[tokio::test]
async fn ids_are_forgotten_after_their_time_however_many_there_are() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(&format!("sqlite:{}", dir.path().join("db").display())).expect("a store");
    let migrated = store.clone();
    tokio::task::spawn_blocking(move || migrated.migrate()).await.expect("a thread").expect("tables");
    let (outbox, _) = Outbox::start(store.clone(), Box::new(|_| {})).expect("a thread");
    let fill = async |tx: &mut Tx| {
        let now = tx.now();
        let old = (0..STEP + 1).map(|n| (format!("old {n}"), now.plus_seconds(-REMEMBERED - 1)));
        for (id, at) in old.chain([("new".to_owned(), now.plus_seconds(-REMEMBERED + 60))]) {
            let row = (webhook_deliveries::id.eq(id), webhook_deliveries::received_at.eq(at));
            sql!(&mut tx.conn, |c| diesel::insert_into(webhook_deliveries::table).values(row).execute(c).await)?;
        }
        Ok(())
    };
    outbox.commit(fill).await.expect("filled");
    sweep(&outbox).await.expect("swept");
    let mut conn = store.read().await.expect("a connection");
    let left: Vec<String> =
        sql!(&mut conn, |c| webhook_deliveries::table.select(webhook_deliveries::id).load(c).await).expect("ids");
    assert_eq!(left, ["new"]);
}
