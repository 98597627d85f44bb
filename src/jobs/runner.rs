//! The actor that has jobs done: it claims, starts, and waits for the bell or the next due time.

use super::{
    Bell, Job, Run, Works,
    claim::{Claimed, Wanted, claim, give_back},
    drive::drive,
    hold::Hold,
    revert::Reverting,
    turns::Turns,
};
use crate::{
    config,
    delivery::outbox::{Outbox, Tx},
    error::Result,
    ids::JobId,
    records::Record as _,
};
use actix::prelude::*;
use std::{collections::HashMap, time::Duration};
use uuid::Uuid;

/// How soon to look again when the database was away.
const AGAIN: Duration = Duration::from_secs(1);

/// Runs jobs, at most `at_once` at a time. It is to run on an [`Arbiter`] of its own: the work of its
/// runs must not keep anybody else.
pub struct JobRunner {
    outbox: Outbox,
    works: Works,
    settings: config::Jobs,
    bell: Bell,
    /// What its leases begin with.
    name: String,
    /// Its runs, with their leases.
    running: HashMap<JobId, (String, SpawnHandle)>,
    turns: Turns,
    /// Whether a claim is under way, and whether there is reason for another.
    looking: bool,
    again: bool,
    tick: Option<SpawnHandle>,
    stopping: bool,
}

/// Look for jobs that are due.
#[derive(Message)]
#[rtype(result = "()")]
struct Look;

/// Stops all runs, and gives their jobs back: whoever starts next takes them at once. Answered when
/// that is committed.
#[derive(Message)]
#[rtype(result = "()")]
pub struct GiveBack;

impl JobRunner {
    /// A runner that is told of new jobs by this bell.
    #[must_use]
    pub fn new(outbox: Outbox, works: Works, settings: config::Jobs, bell: Bell) -> Self {
        Self {
            outbox,
            works,
            settings,
            bell,
            name: Uuid::new_v4().to_string(),
            running: HashMap::new(),
            turns: Turns::default(),
            looking: false,
            again: false,
            tick: None,
            stopping: false,
        }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        let places = self.settings.at_once.saturating_sub(self.running.len());
        if places == 0 || self.stopping {
            // Whoever ends looks again.
            return;
        }
        if std::mem::replace(&mut self.looking, true) {
            self.again = true;
            return;
        }
        let wanted = Wanted { runner: self.name.clone(), places, turns: self.turns.clone(), keep: self.settings.lease };
        let outbox = self.outbox.clone();
        let claiming = async move { Ok(outbox.commit(async move |tx: &mut Tx| claim(tx, wanted).await).await?.value) };
        ctx.spawn(claiming.into_actor(self).map(|claimed, runner, ctx| runner.take(claimed, ctx)));
    }

    fn take(&mut self, claimed: Result<Claimed>, ctx: &mut Context<Self>) {
        self.looking = false;
        if self.stopping {
            return;
        }
        let next = match claimed {
            Ok(claimed) => {
                for (job, lease) in claimed.jobs {
                    self.start(&job, lease, ctx);
                }
                // Other nodes leave jobs behind without ringing: after a lease at the latest.
                claimed.next.unwrap_or(self.settings.lease).min(self.settings.lease)
            }
            Err(error) => {
                log::warn!("no jobs could be claimed: {error}");
                AGAIN
            }
        };
        let next = if std::mem::take(&mut self.again) { Duration::ZERO } else { next };
        let tick = ctx.run_later(next, |runner, ctx| runner.look(ctx));
        if let Some(before) = self.tick.replace(tick) {
            ctx.cancel_future(before);
        }
    }

    fn start(&mut self, job: &Job, lease: String, ctx: &mut Context<Self>) {
        let (id, owner) = (job.id(), job.owner());
        let hold = Hold { outbox: self.outbox.clone(), job: id, lease: lease.clone(), keep: self.settings.lease };
        let work = if job.is_reverting() { Some(Reverting::work()) } else { self.works.of(job.kind()) };
        let own = lease.clone();
        let driving = drive(work, Run::new(job, hold)).into_actor(self).map(move |(), runner, ctx| {
            // Unless another run has its place by now.
            if runner.running.get(&id).is_some_and(|(lease, _)| *lease == own) {
                runner.running.remove(&id);
                runner.turns.ends(owner);
                runner.look(ctx);
            }
        });
        self.turns.begins(owner);
        let handle = ctx.spawn(driving);
        if let Some((_, stale)) = self.running.insert(id, (lease, handle)) {
            // Its lease is over: it would notice at its next step, and does not get there.
            ctx.cancel_future(stale);
            self.turns.ends(owner);
        }
    }
}

impl Actor for JobRunner {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (bell, runner) = (self.bell.clone(), ctx.address());
        let listening = async move {
            loop {
                bell.heard().await;
                if runner.send(Look).await.is_err() {
                    return;
                }
            }
        };
        ctx.spawn(listening.into_actor(self));
        self.look(ctx);
    }
}

impl Handler<Look> for JobRunner {
    type Result = ();

    fn handle(&mut self, _: Look, ctx: &mut Self::Context) {
        self.look(ctx);
    }
}

impl Handler<GiveBack> for JobRunner {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: GiveBack, ctx: &mut Self::Context) -> Self::Result {
        self.stopping = true;
        for (_, (_, run)) in self.running.drain() {
            ctx.cancel_future(run);
        }
        // A claim that is under way was queued before this: its leases are given back too.
        let (outbox, name) = (self.outbox.clone(), self.name.clone());
        Box::pin(async move {
            match outbox.commit(async move |tx: &mut Tx| give_back(tx, &name).await).await {
                Ok(given) if given.value > 0 => log::info!("{} running jobs wait for the next start", given.value),
                Ok(_) => {}
                Err(error) => log::warn!("running jobs wait until their leases are over: {error}"),
            }
        })
    }
}

#[cfg(test)]
#[path = "runner_test.rs"]
mod tests;
