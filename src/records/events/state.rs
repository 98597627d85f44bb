//! The states of an event, and who may take it from one to the next (CONTRACT 5).

use super::Event;
use crate::{
    error::{Error, Result},
    records::Viewer,
    text_enum,
};

text_enum! {
    /// Where an event stands.
    State {
        /// Being written, by its author and the members of its groups.
        Draft = "DRAFT",
        /// Waiting for an administrator's decision.
        Review = "REVIEW",
        /// Seen by everybody.
        Published = "PUBLISHED",
        /// Turned down; its author may take it back and try again.
        Refused = "REFUSED",
    }
}

/// Who may take a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mover {
    Author,
    Admin,
    AuthorOrAdmin,
}

impl State {
    /// Who may take an event from here to there; `None` when nobody may.
    const fn step(self, to: Self) -> Option<Mover> {
        match (self, to) {
            (Self::Draft, Self::Review) => Some(Mover::AuthorOrAdmin),
            (Self::Review, Self::Published | Self::Refused) => Some(Mover::Admin),
            (Self::Review | Self::Refused, Self::Draft) => Some(Mover::Author),
            _ => None,
        }
    }
}

impl Event {
    /// It, in another state. Whether there is such a step comes first: it is the same for everybody.
    ///
    /// # Errors
    /// 409 when there is no such step, 403 when it is not the caller's to take.
    pub(super) fn moved(self, to: State, by: &Viewer) -> Result<Self> {
        let from = self.state.as_str();
        if self.deleted_at.is_some() {
            return Err(Error::InvalidTransition { from: "deleted", to: to.as_str() });
        }
        let mover = self.state.step(to).ok_or(Error::InvalidTransition { from, to: to.as_str() })?;
        let (allowed, who) = match mover {
            Mover::Author => (self.is_by(by), "its author"),
            Mover::Admin => (by.is_admin(), "an administrator"),
            Mover::AuthorOrAdmin => (self.is_by(by) || by.is_admin(), "its author or an administrator"),
        };
        if !allowed {
            return Err(Error::forbidden(format!("only {who} may take an event from {from} to {}", to.as_str())));
        }
        Ok(Self { state: to, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::stage::{admin, event, user};
    use State::{Draft, Published, Refused, Review};

    #[test]
    fn only_the_steps_of_the_contract_are_taken_and_only_by_those_whose_they_are() {
        let (ann, eve, root) = (user(), user(), admin());
        // From, to, then whether the author, an administrator and anybody else may.
        let steps = [
            (Draft, Review, [true, true, false]),
            (Review, Published, [false, true, false]),
            (Review, Refused, [false, true, false]),
            (Review, Draft, [true, false, false]),
            (Refused, Draft, [true, false, false]),
        ];
        for &from in State::ALL {
            for &to in State::ALL {
                let step = steps.iter().find(|step| (step.0, step.1) == (from, to));
                for (who, by) in [&ann, &root, &eve].into_iter().enumerate() {
                    let outcome = event(&ann).in_state(from).moved(to, by);
                    let story = format!("{from:?} -> {to:?} by {who}: {outcome:?}");
                    match step {
                        None => assert!(matches!(outcome, Err(Error::InvalidTransition { .. })), "{story}"),
                        Some((.., may)) if may[who] => assert_eq!(outcome.expect(&story).state, to),
                        Some(_) => assert!(matches!(outcome, Err(Error::Forbidden(_))), "{story}"),
                    }
                }
            }
        }
    }

    #[test]
    fn a_deleted_event_moves_no_more() {
        let (ann, root) = (user(), admin());
        let deleted = Event { deleted_at: Some(crate::time::Time::now()), ..event(&ann).in_state(Review) };
        assert!(matches!(deleted.moved(Published, &root), Err(Error::InvalidTransition { from: "deleted", .. })));
    }
}
