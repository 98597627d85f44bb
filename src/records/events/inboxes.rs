//! What changes of state put into inboxes (CONTRACT 5): a review request into the administrators', a
//! decision into the author's, where the user's preference says so. Whoever acts is told as well.

use super::{Event, State};
use crate::{
    delivery::{
        inbox::{Message, notify},
        outbox::Tx,
    },
    error::Result,
    identity::{Role, Roles},
    ids::UserId,
    sql,
    store::{
        Conn, Json,
        schema::{deleted_users, users},
    },
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

/// Most characters of an event's description in a sentence about it.
const NAMED_WITH: usize = 100;

/// One thing to say, gathered while the records change and said after them.
pub(super) struct Word {
    to: To,
    what: Message,
}

enum To {
    Admins,
    Author(UserId),
}

impl Word {
    /// What the step that an event took says to whom; `None` when nobody is told. `event` is what is
    /// there now, `author` wrote what was decided on: a published version has become its parent.
    pub(super) fn of(event: &Event, author: UserId, from: State, to: State, message: Option<&str>) -> Option<Self> {
        let (to, kind, is) = match (from, to) {
            (State::Draft, State::Review) => (To::Admins, "event.review_requested", "is to be reviewed"),
            (State::Review, State::Published) => (To::Author(author), "event.published", "was published"),
            (State::Review, State::Refused) => (To::Author(author), "event.refused", "was refused"),
            _ => return None,
        };
        let message = message.filter(|message| !message.is_empty()).map(str::to_owned);
        Some(Self::about(event, to, kind, message.unwrap_or_else(|| format!("{} {is}.", name(event)))))
    }

    /// A version that lost to another one, which nobody decided on for itself.
    pub(super) fn overtaken(version: &Event) -> Self {
        let message = format!("{} was refused: another version of the event was published.", name(version));
        Self::about(version, To::Author(version.author_id), "event.refused", message)
    }

    fn about(event: &Event, to: To, kind: &str, message: String) -> Self {
        let data = Some(json!({ "eventId": event.id, "state": event.state }));
        Self { to, what: Message { kind: kind.into(), message, data } }
    }
}

/// Puts them into the inboxes, in this order.
pub(super) async fn say(tx: &mut Tx, words: Vec<Word>) -> Result<()> {
    let mut admins = None;
    for Word { to, what } in words {
        let users = match to {
            To::Author(author) => listening_author(&mut tx.conn, author).await?,
            To::Admins => match &admins {
                Some(admins) => Vec::clone(admins),
                None => admins.insert(listening_admins(&mut tx.conn).await?).clone(),
            },
        };
        notify(tx, &users, &what).await?;
    }
    Ok(())
}

/// The event's description in quotation marks, cut to a handy length.
fn name(event: &Event) -> String {
    let text = &event.description;
    match text.char_indices().nth(NAMED_WITH) {
        None => format!("“{text}”"),
        Some((end, _)) => format!("“{}…”", &text[..end]),
    }
}

/// Administrators who can act and want to hear of reviews.
async fn listening_admins(conn: &mut Conn) -> QueryResult<Vec<UserId>> {
    let admins = users::table
        .filter(users::roles.like("%ADMIN%"))
        .filter(users::disabled.eq(false).and(users::notify_admin_on_review_request.eq(true)))
        .select((users::id, users::roles));
    let mut admins: Vec<(UserId, Json<Roles>)> = sql!(conn, |c| admins.load(c).await)?;
    // Not by the database: it would go through all users by their index, and then look each up.
    admins.sort_unstable_by_key(|(id, _)| *id);
    Ok(admins.into_iter().filter(|(_, roles)| roles.0.has(Role::Admin)).map(|(id, _)| id).collect())
}

/// The author, unless deleted or not wanting to hear. One of another issuer's, of whom there is no
/// record, has an inbox all the same.
async fn listening_author(conn: &mut Conn, author: UserId) -> QueryResult<Vec<UserId>> {
    let wish = users::table.find(author).select(users::notify_on_event_update);
    let wish: Option<bool> = sql!(conn, |c| wish.first(c).await.optional())?;
    let listens = match wish {
        Some(wish) => wish,
        None => {
            let gone = deleted_users::table.find(author).count();
            let gone: i64 = sql!(conn, |c| gone.get_result(c).await)?;
            gone == 0
        }
    };
    Ok(if listens { vec![author] } else { Vec::new() })
}

#[cfg(test)]
#[path = "inboxes_test.rs"]
mod tests;
