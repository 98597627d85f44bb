//! The task that sends e-mail, where there is a server to send it by.

use crate::{
    config::Config,
    delivery::{mail::Mailer, outbox::Outbox},
    store::Store,
};
use std::{io, time::Duration};
use tokio::{sync::watch, task::JoinHandle};

/// While requests end, the mail that is on its way may be handed over for so long; cut off, it may come twice.
const LAST_MAIL: Duration = Duration::from_secs(super::REQUESTS_END);

pub(super) struct Post {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Post {
    pub(super) fn start(config: &Config, store: &Store, outbox: &Outbox) -> io::Result<Option<Self>> {
        let Some(settings) = config.mail.clone() else { return Ok(None) };
        let mailer = Mailer::new(settings, config.public_url.clone(), store.clone(), outbox.clone())?;
        let (stop, stopped) = watch::channel(false);
        Ok(Some(Self { stop, task: actix_rt::spawn(mailer.run(stopped)) }))
    }

    /// No further mail is begun.
    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits for the last mail, but not for long.
    pub(super) async fn end(self) {
        let task = self.task.abort_handle();
        if tokio::time::timeout(LAST_MAIL, self.task).await.is_err() {
            log::warn!("an e-mail was under way; it is sent again");
            task.abort();
        }
    }
}
