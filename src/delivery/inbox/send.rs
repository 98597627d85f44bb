//! `POST /v1/admin/notifications`: what an administrator sends, to whom, and its beginning. However
//! many they are, the answer does not wait for more than the first stretch of them.

use super::{
    DATA_MAX, KIND_MAX, MESSAGE_MAX, Message,
    broadcast::{Broadcast, IDS_AT_ONCE},
};
use crate::{
    delivery::{idempotency::Answer, outbox::Tx},
    error::Result,
    faults::Faults,
    identity::Role,
    ids::UserId,
    sql,
    store::{
        Conn,
        schema::{deleted_users, users},
    },
    time::Time,
};
use actix_web::http::StatusCode;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Most users that one request may name.
const IDS_MAX: usize = 10_000;
/// Most bytes of the body: so many ids are more than other bodies may be.
pub(super) const SEND_BODY_MAX: usize = 512 * 1024;

/// The body.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Send {
    message: String,
    kind: Option<String>,
    data: Option<Map<String, Value>>,
    user_ids: Option<Vec<UserId>>,
    role: Option<Role>,
}

/// Whom it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// Everybody known but the sender; with a role, everybody who has it but the sender.
    Known(Option<Role>),
    /// These, each once, in their order; also the sender, and users of other issuers.
    Named(Vec<UserId>),
}

/// What is to be sent, checked.
#[derive(Debug)]
pub(super) struct Sending {
    by: UserId,
    what: Message,
    to: Target,
}

/// The body of the answer: how many it is for.
#[derive(Serialize)]
struct Count {
    count: i64,
}

impl Send {
    /// Itself, if it may be so.
    ///
    /// # Errors
    /// 422 with all faults.
    pub(super) fn checked(self, by: UserId) -> Result<Sending> {
        let Self { message, kind, data, user_ids, role } = self;
        let kind = kind.unwrap_or_else(|| "message".into());
        let data = data.map(Value::Object);
        let mut faults = Faults::default();
        faults.text("message", &message, 1..=MESSAGE_MAX);
        faults.text("kind", &kind, 1..=KIND_MAX);
        let size = data.as_ref().map_or(0, |data| data.to_string().len());
        faults.check("data", size <= DATA_MAX, format!("may have at most {DATA_MAX} bytes"));
        faults.check("role", role.is_none() || user_ids.is_none(), "may not be given together with userIds");
        let to = match user_ids {
            None => Target::Known(role),
            Some(mut ids) => {
                faults.check("userIds", !ids.is_empty(), "has to name a user; leave it out to reach everybody");
                faults.check("userIds", ids.len() <= IDS_MAX, format!("may have at most {IDS_MAX} entries"));
                ids.sort_unstable();
                faults.check("userIds", ids.is_sorted_by(|a, b| a < b), "names somebody twice");
                Target::Named(ids)
            }
        };
        faults.or(Sending { by, what: Message { kind, message, data }, to })
    }
}

/// What is to be sent, and to how many as far as can be known beforehand.
pub(super) struct Counted {
    sending: Sending,
    count: i64,
    /// When the last of them registered, by the clock of whichever node.
    newest: Option<Time>,
}

impl Sending {
    /// Counts those it is for. Not within the change: this may look at every user there is, and
    /// everybody would wait for it. Who comes or goes meanwhile makes it one more or less.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub(super) async fn counted(self, conn: &mut Conn) -> Result<Counted> {
        let (count, newest) = match &self.to {
            Target::Known(role) => {
                let role = role.map(role_in_json).unwrap_or_default();
                let all = users::table
                    .filter(users::id.ne(self.by).and(users::roles.like(format!("%{role}%"))))
                    .select((diesel::dsl::count_star(), diesel::dsl::max(users::created_at)));
                sql!(conn, |c| all.first(c).await)?
            }
            Target::Named(ids) => {
                let gone = deleted_users::table.filter(deleted_users::id.eq_any(ids)).count();
                let gone: i64 = sql!(conn, |c| gone.get_result(c).await)?;
                (i64::try_from(ids.len()).unwrap_or(i64::MAX) - gone, None)
            }
        };
        Ok(Counted { sending: self, count, newest })
    }
}

/// As it stands in the JSON list of a user's roles.
fn role_in_json(role: Role) -> String {
    serde_json::to_string(&role).unwrap_or_default()
}

impl Counted {
    /// Puts it into the first inboxes, stores what is left to do, and answers.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub(super) async fn begin(self, tx: &mut Tx) -> Result<Answer> {
        let Self { sending: Sending { by, what, to }, count, newest } = self;
        // Who registered before this change, on a node whose clock is ahead, is among them.
        let as_of = tx.now().max(newest.unwrap_or(tx.now()));
        let mut count = count;
        match to {
            Target::Known(role) => {
                let mut whole = Broadcast::new(by, what, role, None, as_of);
                let (reached, more) = whole.step(tx).await?;
                if more {
                    whole.store(tx).await?;
                } else {
                    count = reached;
                }
            }
            Target::Named(ids) => {
                for (at, ids) in ids.chunks(IDS_AT_ONCE).enumerate() {
                    let mut part = Broadcast::new(by, what.clone(), None, Some(ids.to_vec()), as_of);
                    if at > 0 || part.step(tx).await?.1 {
                        part.store(tx).await?;
                    }
                }
            }
        }
        Answer::new(StatusCode::ACCEPTED, &Count { count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{body::parse, error::Error};
    use serde_json::json;

    fn checked(body: &Value) -> Result<Sending> {
        parse::<Send>(body.to_string().as_bytes())?.checked(UserId::generate())
    }

    #[test]
    fn what_is_sent_is_within_its_bounds_and_names_its_users_once_or_a_role() {
        let (id, long) = (UserId::generate(), "x".repeat(DATA_MAX));
        let many: Vec<UserId> = (0..=IDS_MAX).map(|_| UserId::generate()).collect();
        let with = |field: &str, value: Value| {
            let mut body = json!({ "message": "Hello" });
            body[field] = value;
            body
        };
        for (field, wrong) in [
            ("message", with("message", json!(""))),
            ("message", with("message", json!("x".repeat(MESSAGE_MAX + 1)))),
            ("message", with("message", json!("a\u{7}"))),
            ("message", json!({})),
            ("kind", with("kind", json!("x".repeat(KIND_MAX + 1)))),
            ("kind", with("kind", json!(""))),
            ("data", with("data", json!({ "text": long }))),
            ("data", with("data", json!([1]))),
            ("userIds", with("userIds", json!([]))),
            ("userIds", with("userIds", json!([id, id]))),
            ("userIds", with("userIds", json!(many))),
            ("role", with("role", json!("KING"))),
            ("role", json!({ "message": "Hello", "userIds": [id], "role": "USER" })),
            ("title", with("title", json!("Hello"))),
        ] {
            let outcome = checked(&wrong);
            let named = matches!(&outcome, Err(Error::Invalid(faults)) if faults[0].field.starts_with(field));
            assert!(named, "{field}: {outcome:?}");
        }
        assert!(checked(&with("userIds", json!(many[..IDS_MAX]))).is_ok());
        assert!(checked(&with("message", json!("ä".repeat(MESSAGE_MAX)))).is_ok());
        assert_eq!(checked(&with("data", json!({ "a": 1 }))).expect("fine").what.kind, "message");
        assert_eq!(checked(&with("role", json!("SELLER"))).expect("fine").to, Target::Known(Some(Role::Seller)));
    }
}
