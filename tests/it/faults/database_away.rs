//! The database goes away for a moment: requests are told so, and nothing that was acknowledged is lost.

use crate::support::{Over, TestServer};

#[tokio::test]
async fn a_database_that_goes_away_is_found_again_and_what_was_acknowledged_is_told() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let id = ann.draft("1").await.id();
    let mut live = ann.live(Over::SocketIo).await;
    let mut acknowledged = 1;
    for round in 0..2 {
        let outage = server.database.goes_away().await;
        if outage.lasts() {
            ann.describes(&id, "while it is away").await.refused(503, "unavailable");
        }
        drop(outage);
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
