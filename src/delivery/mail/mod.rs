//! E-mail as the last resort: a notification that nobody confirmed for a while goes out by SMTP, once, if
//! its user wants that.
//!
//! `due` finds what waits, `claim` takes one after the other, each in a commit of its own before it is sent,
//! `letter` writes it, `line` hands it over. A mail is never sent by two at the same time; whoever dies
//! between the server's last answer and writing `SENT` leaves a claim that lapses, and then the mail goes
//! out a second time, with the same `Message-ID`: SMTP knows nothing better (docs/decisions/0011-email.md).

mod claim;
mod due;
mod letter;
mod line;
mod smtp_server;

pub use smtp_server::SmtpServer;

use super::outbox::Outbox;
use crate::{error::Result, store::Store, text_enum, time::Time};
use claim::{Claim, Settled, claim, settle};
use due::{Due, due};
use letter::Letterhead;
use lettre::message::Mailbox;
use line::{Line, Outcome};
use reqwest::Url;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Most notifications looked up at a time: what waits for e-mail stays in the database.
const BATCH: i64 = 20;
/// Between two batches that were full: the database and the mail server have others to serve.
const PAUSE: Duration = Duration::from_millis(500);
/// Longest pause between two looks; shorter where [`Settings::after_seconds`] is short.
const LOOK_EVERY: u64 = 15;
/// Only what became due within this many seconds is sent: switching e-mail on, or the server's return after
/// days, must not flood people with old news.
const FIRST_WITHIN: i64 = 24 * 3600;
/// Attempts end within this many seconds after that; see [`again_after`].
const RETRIED_WITHIN: i64 = 24 * 3600;
/// Most mails to one user within [`PER_USER_SECONDS`]: whoever gets so many knows where to look. The others
/// wait in the inbox, and go out later while they are fresh.
const PER_USER: i64 = 20;
/// The window of [`PER_USER`].
const PER_USER_SECONDS: i64 = 3600;
/// A claim lapses after so many seconds: longer than one mail takes at most, all its time limits together.
const LEASE: i64 = 120;
/// Attempts to send one mail, over some ten hours: a mail server is mended in that time.
const ATTEMPTS_MAX: i32 = 12;
/// Before the second attempt, in seconds; doubled before each further one.
const FIRST_PAUSE: f64 = 60.0;
/// Longest pause between two attempts, in seconds.
const LONGEST_PAUSE: f64 = 7200.0;
/// What became of a mail is written again and again for so long, should the database be away: a mail that was
/// taken must not go out again. Well within [`LEASE`].
const SETTLE_WITHIN: Duration = Duration::from_secs(30);

/// How long connecting to the server, and each of its answers, may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

text_enum! {
    /// How far the e-mail of a notification has come. `mail_due_at` is the time that belongs to it.
    State {
        /// Not sent yet: when the next attempt is due; nothing before the first.
        None = "NONE",
        /// Being sent: when the claim lapses.
        Claimed = "CLAIMED",
        /// The server took it: when.
        Sent = "SENT",
        /// It will not be sent: since when.
        Failed = "FAILED",
    }
}

/// How e-mail is sent.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who takes it.
    pub server: SmtpServer,
    /// The sender.
    pub from: Mailbox,
    /// A notification is undelivered for so long before it is sent, in seconds.
    pub after_seconds: i64,
    /// How long connecting, and each answer, may take ([`PATIENCE`]).
    pub patience: Duration,
}

/// What one round came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// The server took so many.
    pub sent: usize,
    /// So many are tried again later.
    pub postponed: usize,
    /// So many will not be sent.
    pub failed: usize,
    /// There may be more that can be sent at once.
    pub more: bool,
}

/// The one who writes and posts the letters of this node.
pub struct Mailer {
    after_seconds: i64,
    letterhead: Letterhead,
    line: Line,
    /// Whether nothing could be sent the last time: said once, not every few seconds.
    away: bool,
    store: Store,
    outbox: Outbox,
}

impl Mailer {
    /// `public_url`: where people find their inboxes.
    ///
    /// # Errors
    /// When the system's certificates can't be read.
    pub fn new(settings: Settings, public_url: Option<Url>, store: Store, outbox: Outbox) -> std::io::Result<Self> {
        let Settings { server, from, after_seconds, patience } = settings;
        let name = public_url.as_ref().and_then(Url::domain);
        let line = Line::new(server, name, patience).map_err(std::io::Error::other)?;
        Ok(Self { after_seconds, letterhead: Letterhead { from, public_url }, line, away: false, store, outbox })
    }

    /// Sends what is due from time to time, until `stop` becomes true or its sender is gone. The mail that is
    /// on its way then is finished.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let every = u64::try_from(self.after_seconds).unwrap_or(1).clamp(1, LOOK_EVERY);
        while !stopped(&stop) {
            let pause = match self.round(Time::now(), &stop).await {
                Ok(Round { more: true, .. }) => PAUSE,
                Ok(_) => {
                    self.line.hang_up().await;
                    Duration::from_secs(every)
                }
                Err(error) => {
                    log::warn!("e-mail could not be looked after: {error}");
                    Duration::from_secs(LOOK_EVERY)
                }
            };
            tokio::time::timeout(pause, stop.changed()).await.ok();
        }
        self.line.hang_up().await;
    }

    /// One round: sends what is due at `now`, a batch at most.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn step(&mut self, now: Time) -> Result<Round> {
        let (_stop, never) = watch::channel(false);
        self.round(now, &never).await
    }

    async fn round(&mut self, now: Time, stop: &watch::Receiver<bool>) -> Result<Round> {
        let began = Instant::now();
        let clock = || now.plus_seconds(i64::try_from(began.elapsed().as_secs()).unwrap_or(0));
        let mut round = Round::default();
        let waiting = self.waiting(now).await?;
        let full = waiting.len() >= usize::try_from(BATCH).unwrap_or(0);
        for seen in waiting {
            if stopped(stop) {
                return Ok(round);
            }
            let claimed_at = clock();
            let claimed = self.outbox.commit(async move |tx| claim(tx, seen, claimed_at).await).await?;
            let Some(claim) = claimed.value else { continue };
            let outcome = match self.letterhead.write(&claim.content) {
                Ok(letter) => self.line.carry(&letter).await,
                Err(()) => Outcome::Refused("the address is none".into()),
            };
            let settled = self.judge(&claim, &outcome, clock());
            match settled {
                Settled::Sent(_) => round.sent += 1,
                Settled::Again(_) => round.postponed += 1,
                Settled::Failed(_) => round.failed += 1,
            }
            self.settle(&claim, settled).await?;
            if self.away {
                // The others keep their attempts for when the server is back.
                return Ok(round);
            }
        }
        round.more = full;
        Ok(round)
    }

    async fn waiting(&self, now: Time) -> Result<Vec<Due>> {
        let mut conn = self.store.read().await?;
        Ok(due(&mut conn, now, self.after_seconds).await?)
    }

    /// What is to be written of it. Says it to the log without the address or the text.
    fn judge(&mut self, claim: &Claim, outcome: &Outcome, now: Time) -> Settled {
        let id = claim.content.id;
        let was_away = std::mem::replace(&mut self.away, matches!(outcome, Outcome::Away(_)));
        if was_away && !self.away {
            log::info!("e-mail goes out again");
        }
        let why = match outcome {
            Outcome::Taken => return Settled::Sent(now),
            Outcome::Refused(why) => {
                log::warn!("the e-mail of notification {id} was refused: {why}");
                return Settled::Failed(now);
            }
            Outcome::Later(why) => why,
            Outcome::Away(why) => {
                if !was_away {
                    log::warn!("no e-mail can be sent: {why}");
                }
                why
            }
        };
        if claim.attempts >= ATTEMPTS_MAX {
            log::warn!("the e-mail of notification {id} is given up after {ATTEMPTS_MAX} attempts: {why}");
            return Settled::Failed(now);
        }
        Settled::Again(now.plus_seconds(again_after(claim.attempts, rand::random())))
    }

    async fn settle(&self, claim: &Claim, settled: Settled) -> Result<()> {
        let (id, attempts) = (claim.content.id, claim.attempts);
        let began = Instant::now();
        loop {
            let outcome = self.outbox.commit(async move |tx| settle(tx, id, attempts, settled).await).await;
            match outcome {
                Err(_) if began.elapsed() < SETTLE_WITHIN => tokio::time::sleep(SETTLE_WITHIN / 20).await,
                outcome => return outcome.map(drop),
            }
        }
    }
}

fn stopped(stop: &watch::Receiver<bool>) -> bool {
    *stop.borrow() || stop.has_changed().is_err()
}

/// The pause after so many attempts, in seconds: half of it by chance (0 to 1), so that what failed together
/// does not come again together.
#[expect(clippy::cast_possible_truncation, reason = "seconds of a few hours")]
fn again_after(attempts: i32, chance: f64) -> i64 {
    let whole = (FIRST_PAUSE * 2_f64.powi(attempts - 1)).min(LONGEST_PAUSE);
    (whole * (0.5 + chance / 2.0)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_two_hours_and_never_all_end_at_once() {
        assert_eq!((again_after(1, 0.0), again_after(1, 1.0)), (30, 60));
        assert_eq!((again_after(2, 0.0), again_after(2, 1.0)), (60, 120));
        assert_eq!((again_after(8, 1.0), again_after(ATTEMPTS_MAX, 1.0)), (7200, 7200));
    }

    #[test]
    fn all_attempts_are_made_while_a_notification_is_still_looked_for() {
        let longest: i64 = (1..ATTEMPTS_MAX).map(|attempts| again_after(attempts, 1.0)).sum();
        assert!((8 * 3600..RETRIED_WITHIN / 2).contains(&longest), "{longest}");
    }

    #[test]
    fn a_claim_outlasts_the_mail() {
        // Connecting, MAIL, RCPT and DATA, the last answer (3 times), RSET; then the writing.
        assert!(PATIENCE * 7 + SETTLE_WITHIN < Duration::from_secs(LEASE.unsigned_abs()));
    }
}
