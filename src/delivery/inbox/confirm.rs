//! `DELIVERED`: a client said that it has something.

use super::{Inbox, Status};
use crate::{
    error::Result,
    ids::{NotificationId, UserId},
    sql,
    store::schema::notifications,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

impl Inbox {
    /// The user's client has these. Only the user's own, and only those that are `PENDING`, change;
    /// the rest, read or deleted meanwhile or somebody else's, stay as they are without a word.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn confirm(&self, user: UserId, ids: Vec<NotificationId>) -> Result<()> {
        let work = async move |tx: &mut crate::delivery::outbox::Tx| {
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
}
