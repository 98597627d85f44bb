//! From a claimed job to how its run ended: the work, and beside it the signs of life.

use super::{
    End, Run, Stop, Work,
    hold::{Hold, Outcome},
    throttle::Throttle,
};
use crate::error::Error;
use futures_util::{
    FutureExt as _,
    future::{Either, select},
};
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// How long progress may go untold when no further step comes.
const UNTOLD_MAX: Duration = Duration::from_secs(1);
/// How soon the end of a run is tried to be written again when the database is away.
const AGAIN: Duration = Duration::from_secs(1);

/// Has the work done, and writes down how it ended.
pub(super) async fn drive(work: Option<Arc<dyn Work>>, mut run: Run) {
    let hold = run.hold();
    let Some(work) = work else {
        let nobody = End::Failed("nothing here does jobs of this kind at present".into());
        return settle(&hold, &Outcome::End(nobody)).await;
    };
    let living = live(hold.clone(), run.throttle());
    let working = AssertUnwindSafe(work.run(&mut run)).catch_unwind();
    let outcome = match select(working, std::pin::pin!(living)).await {
        Either::Left((Ok(Ok(end)), _)) => Outcome::End(end),
        Either::Left((Ok(Err(Stop::Failed(Error::Unavailable(why)))), _)) => Outcome::SetBack(why.into_owned()),
        Either::Left((Ok(Err(Stop::Failed(error))), _)) => Outcome::End(End::Failed(error.to_string())),
        Either::Left((Err(_), _)) => {
            log::error!("the run of job {} panicked", hold.job);
            Outcome::End(End::Failed(Error::Internal.to_string()))
        }
        Either::Left((Ok(Err(Stop::Lost)), _)) | Either::Right(((), _)) => {
            return log::debug!("job {} went to somebody else", hold.job);
        }
    };
    settle(&hold, &outcome).await;
}

/// Renews the lease until it is lost, and tells what went untold.
async fn live(hold: Hold, throttle: Throttle) {
    let every = hold.keep / 3;
    let mut renewed = Instant::now();
    loop {
        sleep(every.min(UNTOLD_MAX)).await;
        let tell = throttle.untold() && throttle.lets(Instant::now());
        if !tell && renewed.elapsed() < every {
            continue;
        }
        match hold.renew(tell).await {
            Ok(true) => {
                renewed = Instant::now();
                if tell {
                    throttle.told(renewed);
                }
            }
            Ok(false) => return,
            Err(error) => log::warn!("the lease of job {} could not be renewed: {error}", hold.job),
        }
    }
}

/// Writes the end of a run down, however long the database is away: else its job would be run again.
async fn settle(hold: &Hold, outcome: &Outcome) {
    while let Err(error) = hold.settle(outcome).await {
        log::warn!("the end of the run of job {} could not be written: {error}", hold.job);
        if !matches!(error, Error::Unavailable(_)) {
            return;
        }
        sleep(AGAIN).await;
    }
}
