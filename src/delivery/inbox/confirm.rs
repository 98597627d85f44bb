//! `DELIVERED`: a client said that it has something.

use super::{Inbox, Status};
use crate::{
    delivery::outbox::Tx,
    error::Result,
    ids::{NotificationId, UserId},
    sql,
    store::schema::notifications,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::collections::HashSet;

impl Inbox {
    /// The user's client has these. Only the user's own, and only those that are `PENDING`, change;
    /// the rest, read or deleted meanwhile or somebody else's, stay as they are without a word.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn confirm(&self, user: UserId, ids: Vec<NotificationId>) -> Result<()> {
        let work = async move |tx: &mut Tx| {
            let now = tx.now();
            let own = notifications::table
                .filter(notifications::id.eq_any(&ids).and(notifications::user_id.eq(user)))
                .filter(notifications::status.eq(Status::Pending));
            let change = diesel::update(own)
                .set((notifications::status.eq(Status::Delivered), notifications::delivered_at.eq(now)));
            sql!(&mut tx.conn, |c| change.execute(c).await)?;
            Ok(())
        };
        self.outbox.commit(work).await.map(drop)
    }

    /// The same for many users in one statement. For confirmations of what Herald sent them itself: who
    /// is named with which notification is not looked at, only that both are among those given.
    pub(super) async fn confirm_many(&self, confirmed: Vec<(UserId, NotificationId)>) -> Result<()> {
        let (users, ids): (HashSet<UserId>, Vec<NotificationId>) = confirmed.into_iter().unzip();
        let work = async move |tx: &mut Tx| {
            let now = tx.now();
            let sent = notifications::table
                .filter(notifications::id.eq_any(&ids).and(notifications::user_id.eq_any(&users)))
                .filter(notifications::status.eq(Status::Pending));
            let change = diesel::update(sent)
                .set((notifications::status.eq(Status::Delivered), notifications::delivered_at.eq(now)));
            sql!(&mut tx.conn, |c| change.execute(c).await)?;
            Ok(())
        };
        self.outbox.commit(work).await.map(drop)
    }
}
