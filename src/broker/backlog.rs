//! What waits in the user's inbox, handed to each connection once it is live: page by page, each when
//! the one before has left, none waiting for a client's confirmation. CONTRACT 6.
//!
//! What has a place at or before the start of a connection comes only here, what follows only as a
//! notice: so each notification comes once. The start is behind the broker, hence committed, when the
//! first page is asked for.

use super::{
    Away, Cause, Frame, Pending,
    dispatch::{Ask, Dispatch},
    hub::Slot,
    ready::Start,
};
use crate::{
    ids::UserId,
    notice::{EventName, Notice, Seq},
};

/// How often a page is read again because its `unread` may have been overtaken. Then it is sent all
/// the same, and corrected by the next: who gets notices all the time must not wait for ever.
const TRIES: u8 = 3;

/// Where a live connection is in its user's backlog.
#[derive(Debug)]
pub(super) struct Backlog {
    after: Seq,
    upto: Seq,
    /// The client hears the next page even if it is empty.
    owed: bool,
    /// Since the page under way began to be read, an inbox notice went by: `unread` may be older than
    /// what the client knows already.
    stale: bool,
    tries: u8,
    /// What was sent has to leave first.
    leaving: bool,
}

impl Dispatch {
    /// The connection went live. One that resumed always hears a page: what was read elsewhere
    /// meanwhile is in no replay, so only that sets its count right.
    pub(super) fn begin_backlog(&mut self, slot: Slot, start: Start) {
        let Some(seat) = self.hub.get_mut(slot) else { return };
        let owed = matches!(start, Start::Resumed(_));
        let backlog = Backlog { after: Seq(0), upto: start.seq(), owed, stale: false, tries: 0, leaving: false };
        seat.carries.backlog = Some(Box::new(backlog));
        self.asks.push_back(Ask::Pending { slot });
    }

    /// A page begins to be read now: between which places, and whose. `None` if the connection is gone.
    pub(super) fn pending_begins(&mut self, slot: Slot) -> Option<(UserId, Seq, Seq)> {
        let seat = self.hub.get_mut(slot)?;
        let backlog = seat.carries.backlog.as_mut()?;
        backlog.stale = false;
        Some((seat.identity.user, backlog.after, backlog.upto))
    }

    /// Whether the client hears the page under way even if it is empty.
    pub(super) fn is_owed(&self, slot: Slot) -> bool {
        self.hub.get(slot).and_then(|seat| seat.carries.backlog.as_ref()).is_some_and(|backlog| backlog.owed)
    }

    /// A page is here.
    pub(super) fn pending_done(&mut self, slot: Slot, page: Result<Pending, Away>) {
        let Some(seat) = self.hub.get_mut(slot) else { return };
        let Some(backlog) = seat.carries.backlog.as_mut() else { return };
        let Ok(page) = page else { return self.asks.push_back(Ask::PendingLater { slot }) };
        if page.ids.is_empty() && !backlog.owed {
            seat.carries.backlog = None;
            return;
        }
        if backlog.stale && backlog.tries < TRIES {
            backlog.tries += 1;
            return self.asks.push_back(Ask::Pending { slot });
        }
        let goes_on = page.more.is_some() || backlog.stale;
        (backlog.after, backlog.owed, backlog.tries) = (page.more.unwrap_or(backlog.upto), backlog.stale, 0);
        backlog.leaving = goes_on;
        if seat.carries.outlet.send(&Frame::pending(page.payload, page.ids)).is_err() {
            return self.close(slot, Cause::SlowConsumer);
        }
        if goes_on {
            let drained = seat.carries.outlet.drained();
            self.asks.push_back(Ask::Drained { slot, drained });
        } else {
            seat.carries.backlog = None;
        }
    }

    /// What was sent of the backlog has left.
    pub(super) fn backlog_left(&mut self, slot: Slot) {
        let backlog = self.hub.get_mut(slot).and_then(|seat| seat.carries.backlog.as_mut());
        if backlog.is_some_and(|backlog| std::mem::take(&mut backlog.leaving)) {
            self.asks.push_back(Ask::Pending { slot });
        }
    }

    /// A notice goes out. If it says how much is unread, pages under way may say something older; also
    /// to a connection that is left out because it asked for the change: it was told over HTTP.
    pub(super) fn outdate_backlogs(&mut self, notice: &Notice) {
        if !matches!(notice.event, EventName::NewNotification | EventName::NotificationRead) {
            return;
        }
        let concerned: Vec<Slot> = notice.audience.to.iter().flat_map(|room| self.hub.members(room)).collect();
        for slot in concerned {
            if let Some(backlog) = self.hub.get_mut(slot).and_then(|seat| seat.carries.backlog.as_mut()) {
                backlog.stale = true;
            }
        }
    }
}
