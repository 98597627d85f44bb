//! What the broker does with each message that one may send it.

use super::{
    Authenticate, CatchUp, Cause, Close, CloseAll, Connect, Disconnect, Emit, Join, Joined, Leave, NotificationBroker,
    Refusal, Say, Tell,
    queries::{ConnectionInfo, Connections, ReadStats, Stats},
    session::Attach,
};
use crate::notice::{Audience, Notice, Room};
use actix::prelude::*;
use std::sync::Arc;

impl Handler<Emit> for NotificationBroker {
    type Result = ();
    fn handle(&mut self, Emit(notices): Emit, ctx: &mut Self::Context) {
        self.dispatch.emit(notices);
        self.carry_out(ctx);
    }
}

impl Handler<CatchUp> for NotificationBroker {
    type Result = ();
    fn handle(&mut self, _: CatchUp, ctx: &mut Self::Context) {
        self.dispatch.read();
        self.carry_out(ctx);
    }
}

impl Handler<Connect> for NotificationBroker {
    type Result = bool;
    fn handle(&mut self, connect: Connect, ctx: &mut Self::Context) -> bool {
        let (connection, user) = (connect.connection.clone(), connect.identity.user);
        let expires_at = connect.identity.expires_at;
        let taken = self.dispatch.connect(connect);
        self.note_arrival(&connection);
        // It may be closed again already, by an effect since it was checked.
        if taken && self.dispatch.hub.find(&connection).is_some() {
            self.attach(user, Attach { connection, expires_at }, ctx);
        }
        self.carry_out(ctx);
        taken
    }
}

impl Handler<Disconnect> for NotificationBroker {
    type Result = ();
    fn handle(&mut self, Disconnect { connection }: Disconnect, ctx: &mut Self::Context) {
        if let Ok(slot) = self.find(&connection) {
            self.dispatch.forget(slot);
        }
        self.carry_out(ctx);
    }
}

impl Handler<Join> for NotificationBroker {
    type Result = Result<Joined, Refusal>;
    fn handle(&mut self, join: Join, _: &mut Self::Context) -> Self::Result {
        let slot = self.find(&join.connection)?;
        self.dispatch.hub.note(slot, join.grants);
        let joined = self.dispatch.join(slot, &join.rooms);
        // Else whoever asks for a thousand foreign rooms, or enters and leaves as many own ones, is
        // remembered with all of them. A handshake's are still to be asked for before it has begun.
        if self.dispatch.has_begun(slot) {
            self.dispatch.hub.forget_unheld(slot);
        }
        joined
    }
}

impl Handler<Leave> for NotificationBroker {
    type Result = Result<Joined, Refusal>;
    fn handle(&mut self, leave: Leave, ctx: &mut Self::Context) -> Self::Result {
        let left = self.dispatch.leave(self.find(&leave.connection)?, &leave.rooms);
        self.carry_out(ctx);
        left
    }
}

impl Handler<Say> for NotificationBroker {
    type Result = Result<(), Refusal>;
    fn handle(&mut self, say: Say, ctx: &mut Self::Context) -> Self::Result {
        let Say { connection, room, event, payload } = say;
        let slot = self.find(&connection)?;
        let seat = self.dispatch.hub.get(slot).ok_or(Refusal::Gone)?;
        if !self.dispatch.hub.holds(slot, &room) {
            return Err(Refusal::Forbidden);
        }
        let audience = Audience::to([room]).except([Room::User(seat.identity.user)]);
        let notice = Notice { seq: None, event, payload, audience, origin: None, effect: None };
        self.dispatch.emit(vec![Arc::new(notice)]);
        self.carry_out(ctx);
        Ok(())
    }
}

impl Handler<Authenticate> for NotificationBroker {
    type Result = Result<(), Refusal>;
    fn handle(&mut self, Authenticate { connection, identity }: Authenticate, ctx: &mut Self::Context) -> Self::Result {
        let (user, expires_at) = (identity.user, identity.expires_at);
        let slot = self.find(&connection)?;
        self.dispatch.hub.renew(slot, identity)?;
        self.dispatch.review_presence(slot);
        self.attach(user, Attach { connection, expires_at }, ctx);
        self.carry_out(ctx);
        Ok(())
    }
}

impl Handler<Tell> for NotificationBroker {
    type Result = ();
    fn handle(&mut self, Tell { connection, frame }: Tell, ctx: &mut Self::Context) {
        if let Ok(slot) = self.find(&connection) {
            self.dispatch.tell(slot, frame);
        }
        self.carry_out(ctx);
    }
}

impl Handler<Close> for NotificationBroker {
    type Result = ();
    fn handle(&mut self, Close { connection, cause }: Close, ctx: &mut Self::Context) {
        if let Ok(slot) = self.find(&connection) {
            self.dispatch.close(slot, cause);
        }
        self.carry_out(ctx);
    }
}

impl Handler<CloseAll> for NotificationBroker {
    type Result = ();
    fn handle(&mut self, _: CloseAll, ctx: &mut Self::Context) {
        self.dispatch.close_all(Cause::GoingAway);
        self.carry_out(ctx);
    }
}

impl Handler<Connections> for NotificationBroker {
    type Result = Vec<ConnectionInfo>;
    fn handle(&mut self, Connections(filter): Connections, _: &mut Self::Context) -> Self::Result {
        self.dispatch.connections(&filter)
    }
}

impl Handler<ReadStats> for NotificationBroker {
    type Result = MessageResult<ReadStats>;
    fn handle(&mut self, _: ReadStats, _: &mut Self::Context) -> Self::Result {
        MessageResult(Stats { users: self.sessions.len(), ..self.dispatch.read_stats() })
    }
}
