//! What has to be done now and then: forgetting old notices, sessions, tickets, idempotency keys, the
//! ids of webhooks, files, notifications.

use crate::{
    auth::Auth,
    broker::{CatchUp, NotificationBroker},
    config::History,
    delivery::{Keep, idempotency, inbox, outbox::Outbox, prune},
    jobs::{self, files::Files},
    store::Store,
    webhooks,
};
use actix::Addr;
use std::time::Duration;

/// How often. Limits are kept to about this much: `HISTORY_MAX` may be overrun by what is told
/// meanwhile.
const EVERY: Duration = Duration::from_secs(60);

/// Runs until it is dropped.
pub(super) async fn run(
    auth: Auth,
    outbox: Outbox,
    broker: Addr<NotificationBroker>,
    history: History,
    inbox_seconds: i64,
    files: Files,
    store: Store,
) {
    let keep = Keep { seconds: history.seconds, notices: history.notices };
    let mut round = actix_rt::time::interval(EVERY);
    loop {
        round.tick().await;
        match prune(&outbox, keep).await {
            Ok(0) => {}
            Ok(gone) => {
                log::info!("{gone} old notices were forgotten");
                // Else a cursor that is too old might still be served from memory; correct, but not `resync`.
                broker.try_send(CatchUp).ok();
            }
            Err(error) => log::warn!("old notices could not be forgotten: {error}"),
        }
        if let Err(error) = auth.sweep().await {
            log::warn!("ended sessions could not be swept: {error}");
        }
        if let Err(error) = idempotency::sweep(&outbox).await {
            log::warn!("old idempotency keys could not be swept: {error}");
        }
        if let Err(error) = webhooks::sweep(&outbox).await {
            log::warn!("the ids of old webhooks could not be swept: {error}");
        }
        if let Err(error) = jobs::sweep(&files, &store).await {
            log::warn!("files that nobody needs could not be swept: {error}");
        }
        match inbox::sweep(&outbox, inbox_seconds).await {
            Ok(0) => {}
            Ok(gone) => log::info!("{gone} old notifications were forgotten"),
            Err(error) => log::warn!("old notifications could not be forgotten: {error}"),
        }
    }
}
