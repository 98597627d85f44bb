//! The database goes away for a moment: requests are told so, and nothing that was acknowledged is lost.

use crate::support::{Over, TestServer};

#[tokio::test]
async fn a_database_that_drops_its_connections_is_found_again() {
    let server = TestServer::start().await;
    // A SQLite file does not go away.
    if !server.database.drops_its_connections().await {
        return;
    }
    let ann = server.stranger(&["USER"]);
    let id = ann.draft("1").await.id();
    let mut live = ann.live(Over::SocketIo).await;
    let mut acknowledged = 1;
    for round in 0..3 {
        server.database.drops_its_connections().await;
        let mut refusals = 0;
        loop {
            let answer = ann.describes(&id, &format!("{round}")).await;
            if answer.head.status == 200 {
                acknowledged = answer["version"].as_i64().expect("a version");
                break;
            }
            answer.refused(503, "unavailable");
            refusals += 1;
            assert!(refusals < 50, "it is not found again");
        }
    }
    let heard = live.hears_versions(&id, acknowledged).await;
    assert_eq!(heard, (2..=acknowledged).collect::<Vec<_>>());
    live.hears_nothing().await;
}
