//! Very many users, put into the database directly: registering them would take longer than the test.

use super::{Claims, Database, Herald, User};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use herald::{
    identity::{Role, Roles},
    ids::UserId,
    insert_all, sql,
    store::{
        Json,
        schema::{broadcasts, notifications, users},
    },
};
use std::collections::HashMap;

impl Database {
    /// So many users; in the order of their ids.
    pub fn crowd(&self, count: usize) -> Vec<String> {
        let mut ids: Vec<UserId> = (0..count).map(|_| UserId::generate()).collect();
        ids.sort_unstable();
        for some in ids.chunks(10_000) {
            let some = some.to_vec();
            self.does(async move |tx| {
                let now = tx.now();
                let roles: Roles = [Role::User].into_iter().collect();
                let row = |id: UserId| {
                    (
                        (users::id.eq(id), users::email.eq(format!("{id}@example.com")), users::password_hash.eq("")),
                        (users::first_name.eq("One"), users::last_name.eq("Of Many"), users::roles.eq(Json(roles))),
                        (users::disabled.eq(false), users::notify_admin_on_review_request.eq(true)),
                        (users::notify_on_event_update.eq(true), users::notify_by_email.eq(false)),
                        (users::version.eq(1_i64), users::created_at.eq(now), users::updated_at.eq(now)),
                    )
                };
                let rows: Vec<_> = some.into_iter().map(row).collect();
                insert_all!(&mut tx.conn, users::table, &rows)?;
                Ok(())
            });
        }
        ids.iter().map(ToString::to_string).collect()
    }

    /// How many notifications each user has.
    pub fn inboxes(&self) -> HashMap<String, usize> {
        let all: Vec<String> = self.does(async |tx| {
            let owners = notifications::table.select(notifications::user_id);
            Ok(sql!(&mut tx.conn, |c| owners.load(c).await)?)
        });
        let mut count = HashMap::new();
        all.into_iter().for_each(|user| *count.entry(user).or_default() += 1);
        count
    }

    /// How many messages to many are still under way.
    pub fn under_way(&self) -> i64 {
        self.does(async |tx| Ok(sql!(&mut tx.conn, |c| broadcasts::table.count().get_result(c).await)?))
    }
}

impl Herald {
    /// One of a crowd.
    pub fn one_of(self, ids: &[String], at: usize) -> User {
        self.bearer(&ids[at], &Claims::of(&ids[at], &["USER"]))
    }
}
