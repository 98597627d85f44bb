//! The life of a job: made, claimed by a run, moved on, ended; pure steps from one row to the next.

use super::{DESCRIPTION_MAX, FILENAME_MAX, Job, Kind, State};
use crate::{
    ids::{JobId, UserId},
    records::Viewer,
    time::Time,
};

/// So many runs in a row may end without a word, at the same place; then the job does: what kills
/// its run would do so for ever.
const LOST_MAX: i32 = 3;

/// How far a job is, and what there is to say of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// In units of its kind; a run that takes it up begins here.
    pub checkpoint: i64,
    /// 0 to 100, for people.
    pub percent: i32,
    /// Lines to add to the log.
    pub log: Vec<String>,
}

impl Job {
    /// A new one, to be run: see [`enqueue`](super::enqueue). `filename` is what its owner calls the
    /// file, `file` its name in `UPLOADS_DIR`.
    #[must_use]
    pub fn new(
        kind: Kind,
        owner: &Viewer,
        description: String,
        filename: Option<String>,
        file: Option<String>,
        now: Time,
    ) -> Self {
        Self {
            id: JobId::generate(),
            kind,
            state: State::Pending,
            user_id: owner.user(),
            description: bounded(&description, DESCRIPTION_MAX),
            filename: filename.map(|name| bounded(&name, FILENAME_MAX)),
            log: String::new(),
            progress: 0,
            admins_see: false,
            log_left_out: 0,
            reverting: false,
            file,
            checkpoint: 0,
            attempts: 0,
            lost: 0,
            due_at: now,
            otherwise: None,
            lease: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// One that was done before anybody could look.
    #[must_use]
    pub fn done(kind: Kind, owner: &Viewer, description: String, now: Time) -> Self {
        Self { state: State::Done, progress: 100, ..Self::new(kind, owner, description, None, None, now) }
    }

    /// What it does.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// How far it is.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Whose it is.
    #[must_use]
    pub const fn owner(&self) -> UserId {
        self.user_id
    }

    /// What its owner calls the file.
    #[must_use]
    pub fn filename(&self) -> Option<&str> {
        self.filename.as_deref()
    }

    /// The file's name in `UPLOADS_DIR`; nothing once the job has ended.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// How far it is, for people: 0 to 100.
    #[must_use]
    pub const fn percent(&self) -> i32 {
        self.progress
    }

    /// How far it is, in units of its kind.
    #[must_use]
    pub const fn checkpoint(&self) -> i64 {
        self.checkpoint
    }

    /// How many runs there were since it last moved on, this one included.
    #[must_use]
    pub const fn attempt(&self) -> i32 {
        self.attempts
    }

    /// Whether somebody still has to do something about it.
    #[must_use]
    pub const fn is_unfinished(&self) -> bool {
        matches!(self.state, State::Pending | State::Running)
    }

    /// Whether what it made is being removed.
    #[must_use]
    pub const fn is_reverting(&self) -> bool {
        self.reverting
    }

    /// Whether this run has it.
    #[must_use]
    pub fn is_held_by(&self, lease: &str) -> bool {
        matches!(self.state, State::Running) && self.lease.as_deref() == Some(lease)
    }

    /// Why there is to be no further run of it, now that it is due.
    #[must_use]
    pub fn verdict(&self) -> Option<String> {
        if let Some(reason) = &self.otherwise {
            return Some(reason.clone());
        }
        let lost = self.lost + i32::from(self.lease.is_some());
        (lost >= LOST_MAX).then(|| format!("given up: {lost} runs ended without a word"))
    }

    /// A run takes it, until `until` unless it says that it lives.
    #[must_use]
    pub fn claimed(self, lease: String, until: Time) -> Self {
        Self {
            state: State::Running,
            attempts: self.attempts.saturating_add(1),
            lost: self.lost + i32::from(self.lease.is_some()),
            lease: Some(lease),
            due_at: until,
            ..self
        }
    }

    /// Its run did something for it.
    #[must_use]
    pub fn moved(mut self, to: &Progress, until: Time) -> Self {
        if to.checkpoint > self.checkpoint {
            (self.attempts, self.lost) = (1, 0);
        }
        for line in &to.log {
            self.say(line);
        }
        Self { checkpoint: to.checkpoint, progress: to.percent.clamp(0, 100), due_at: until, ..self }
    }

    /// Its run lives.
    #[must_use]
    pub fn kept(self, until: Time) -> Self {
        Self { due_at: until, ..self }
    }

    /// Its run wants to be run again at `due`.
    #[must_use]
    pub fn postponed(mut self, due: Time, why: &str) -> Self {
        self.say(why);
        Self { lost: 0, lease: None, due_at: due, ..self }
    }

    /// Its run failed by no fault of its own; that counts like one that ended without a word.
    #[must_use]
    pub fn set_back(mut self, due: Time, why: &str) -> Self {
        self.lost += 1;
        if self.lost >= LOST_MAX {
            return self.ended(Err(why.to_owned()));
        }
        self.say(why);
        Self { lease: None, due_at: due, ..self }
    }

    /// Its run has done what it can: somebody else has to end it, or else it ends at `until`.
    #[must_use]
    pub fn waiting(self, until: Time, otherwise: String) -> Self {
        Self { lost: 0, lease: None, due_at: until, otherwise: Some(otherwise), ..self }
    }

    /// Well, or with a reason. One that was being reverted is.
    #[must_use]
    pub fn ended(mut self, end: Result<(), String>) -> Self {
        let (state, progress) = match (&end, self.reverting) {
            (Ok(()), true) => (State::Reverted, 100),
            (Ok(()), false) => (State::Done, 100),
            (Err(_), _) => (State::Error, self.progress),
        };
        if let Err(reason) = &end {
            self.say_last(reason);
        }
        Self { state, progress, reverting: false, lease: None, otherwise: None, file: None, ..self }
    }

    /// Somebody does not want it any more; its log says who.
    #[must_use]
    pub fn called_off(mut self, by: &Viewer) -> Self {
        let what = if self.is_unfinished() { "cancelled" } else { "reverted" };
        let who = if by.user() == self.user_id { "its owner" } else { "an administrator" };
        self.say_last(&format!("{what} by {who}"));
        self
    }

    /// What it made is gone.
    #[must_use]
    pub fn reverted(self) -> Self {
        Self { state: State::Reverted, reverting: false, lease: None, otherwise: None, file: None, ..self }
    }

    /// What it made is so much that a run has to remove it. Whatever ran for it before may no more.
    #[must_use]
    pub fn begin_reverting(self, now: Time) -> Self {
        Self {
            state: State::Running,
            progress: 0,
            reverting: true,
            file: None,
            checkpoint: 0,
            attempts: 0,
            lost: 0,
            due_at: now,
            otherwise: None,
            lease: None,
            ..self
        }
    }

    /// Whether clients see any difference between the two.
    #[must_use]
    pub fn looks_like(&self, other: &Self) -> bool {
        (self.state, self.progress, &self.log, &self.description, self.admins_see)
            == (other.state, other.progress, &other.log, &other.description, other.admins_see)
    }
}

/// On one line and not longer than what may be stored.
fn bounded(text: &str, most: usize) -> String {
    text.trim().chars().filter(|char| !char.is_control()).take(most).collect()
}
