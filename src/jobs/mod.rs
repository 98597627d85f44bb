//! What takes a while is done in the background (CONTRACT 5): a [`JobRunner`] claims the jobs that are
//! due, one [`Run`] each, and has the [`Work`] of their kind do them.
//!
//! A run holds a lease that is asked for inside every transaction of its own: whatever became of its
//! job meanwhile (cancelled, taken up by another run because this one seemed dead), nothing of it
//! takes hold any more (docs/decisions/0009-jobs.md). Reverting needs jobs and events together, so
//! its rules are here, in `revert`, with the routes.

mod bell;
mod claim;
mod drive;
mod end;
pub mod files;
mod hold;
pub mod import;
pub mod intake;
mod revert;
mod run;
mod runner;
mod sweep;
mod throttle;
mod turns;
pub mod upload;
mod work;

pub use bell::Bell;
pub use end::finish;
pub use revert::configure;
pub use run::{Run, Stop};
pub use runner::{GiveBack, JobRunner};
pub use sweep::sweep;
pub use work::{End, Work, Works};

pub use crate::records::jobs::{Job, Kind, Progress, enqueue};
