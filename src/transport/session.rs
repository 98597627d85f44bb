//! One connection's affairs with the broker, one after the other: it enters, then asks for things.

use super::{
    Entering, Entrance, Seat,
    commands::{self, Command, Done},
    lane::{Full, Lane, Work},
    pace::Pace,
};
use crate::{
    broker::presence::StartTelling,
    error::{Error, Result},
};
use std::time::Instant;

/// Where an acknowledgement goes: JSON text.
pub type Reply = Box<dyn FnOnce(String) + Send>;

/// What a full lane says: try again when what waits has been done.
const RETRY_AFTER_S: u64 = 1;

/// One affair.
pub enum Step {
    /// Enters; if the node takes no more, `refused` closes the wire.
    Enter {
        /// Who.
        entering: Box<Entering>,
        /// Called when there is no place.
        refused: Box<dyn FnOnce() + Send>,
    },
    /// Asks for something; what could not be read is answered in its turn all the same.
    Ask {
        /// What was read.
        command: Result<Command>,
        /// Where the answer goes, if one is wanted.
        reply: Option<Reply>,
    },
}

/// Does a connection's affairs.
pub struct Session {
    entrance: Entrance,
    seat: Option<Seat>,
    pace: Pace,
}

impl Session {
    /// A connection that has yet to enter.
    #[must_use]
    pub fn outside(entrance: Entrance) -> Lane<Self> {
        Lane::new(Self { entrance, seat: None, pace: Pace::default() })
    }

    /// A connection that is in.
    #[must_use]
    pub fn seated(entrance: Entrance, seat: Seat) -> Lane<Self> {
        Lane::new(Self { entrance, seat: Some(seat), pace: Pace::default() })
    }

    fn seat(&self) -> Result<&Seat> {
        self.seat.as_ref().ok_or_else(|| Error::Unavailable("the connection is not in".into()))
    }

    /// What comes of a question for which nobody else has to be asked; otherwise the question.
    fn at_once(&self, command: Result<Command>) -> Result<Result<Done>, Command> {
        match (self.seat(), command) {
            (Err(error), _) | (_, Err(error)) => Ok(Err(error)),
            (Ok(_), Ok(command)) => command.at_once().map(Ok),
        }
    }

    async fn ask(&mut self, command: Result<Command>) -> Result<Done> {
        self.seat()?;
        let command = command?;
        if matches!(command, Command::Typing { .. }) && !self.pace.take(Instant::now()) {
            return Err(Error::RateLimited(RETRY_AFTER_S));
        }
        command.run(self.seat()?, &self.entrance).await
    }
}

impl Work for Session {
    type Step = Step;

    async fn work(&mut self, step: Step) {
        match step {
            Step::Enter { entering, refused } => match self.entrance.enter(*entering).await {
                Ok(seat) => self.seat = Some(seat),
                Err(_) => refused(),
            },
            Step::Ask { command, reply } => {
                let outcome = self.ask(command).await;
                if let Some(reply) = reply {
                    reply(commands::answer(&outcome));
                }
                // What is told of those who are watched from now on follows the answer, which has been given.
                if let (Ok(Done::Watching(_)), Some(seat)) = (&outcome, &self.seat) {
                    self.entrance.ask(StartTelling { connection: seat.connection().clone() }).await.ok();
                }
            }
        }
    }
}

/// The answer to a question, at once if it is its turn and nobody else has to be asked; otherwise the question,
/// for [`ask`].
///
/// # Errors
/// The question.
pub fn answer_at_once(lane: &Lane<Session>, command: Result<Command>) -> Result<String, Result<Command>> {
    let mut question = Some(command);
    let outcome = lane.if_idle(|session| question.take().map(|command| session.at_once(command)));
    match (outcome.flatten(), question) {
        (Some(Ok(outcome)), _) => Ok(commands::answer(&outcome)),
        (Some(Err(command)), _) => Err(Ok(command)),
        (None, Some(command)) => Err(command),
        (None, None) => Err(Err(Error::Internal)),
    }
}

/// Adds a question to a connection's lane. A client that asks faster than it can be answered is told
/// so (`rate_limited`), before its turn; the question is not put.
pub fn ask(lane: &Lane<Session>, command: Result<Command>, reply: Option<Reply>) {
    if let Err(Full(Step::Ask { reply: Some(reply), .. })) = lane.push(Step::Ask { command, reply }) {
        reply(commands::answer(&Err(Error::RateLimited(RETRY_AFTER_S))));
    }
}
