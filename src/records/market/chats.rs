//! Chats: the buyer and the accepted seller of a request talk. Nobody else reads along.

use super::{Document, TEXT_MAX, desk::Desk, find, id_of, list, list_of, page, requests::PurchaseRequest, seen};
use crate::{
    answer::answer_write,
    auth::Caller,
    body::Body,
    delivery::outbox::{Committed, Tx},
    error::{Error, Result},
    identity::Identity,
    ids::{ChatId, MessageId, RequestId, UserId},
    notice::{Audience, Room},
    payload_of,
    records::{Faults, Listing},
    sql,
    store::{
        Conn, Store,
        schema::{chat_messages, chats},
    },
    time::Time,
};
use actix_web::{HttpRequest, HttpResponse, web};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A chat.
#[derive(Debug, Clone, PartialEq, Serialize, Queryable, Selectable, Insertable)]
#[serde(rename_all = "camelCase")]
pub(super) struct Chat {
    pub(super) id: ChatId,
    request_id: RequestId,
    pub(super) buyer_id: UserId,
    pub(super) seller_id: UserId,
    created_at: Time,
}

/// A message in a chat.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema, Queryable, Selectable, Insertable)]
#[diesel(table_name = chat_messages)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub(super) id: MessageId,
    chat_id: ChatId,
    sender_id: UserId,
    text: String,
    created_at: Time,
    /// When the other of the two had read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_at: Option<Time>,
}

/// The payload of `chat:message-read`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct ChatMessageRead {
    chat_id: ChatId,
    message_id: MessageId,
    /// Who has read it.
    user_id: UserId,
    read_at: Time,
}

payload_of! { ChatNewMessage: Message, ChatMessageRead: ChatMessageRead }

/// What somebody writes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub(super) text: String,
}

/// The routes of chats.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/chats").get(list::<Chat>))
        .service(web::resource("/chats/{id}").get(find::<Chat>))
        .service(web::resource("/chats/{id}/messages").get(messages).post(write))
        .service(web::resource("/chats/{id}/messages/{message}/read").post(read));
}

async fn messages(
    request: HttpRequest,
    caller: Caller,
    id: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id: ChatId = id_of(&id)?;
    let read = async |conn: &mut Conn, listing: &Listing| {
        seen::<Chat>(conn, &caller, id).await?;
        Ok(page!(conn, listing, Message in chat_messages, chat_messages::chat_id.eq(id))?)
    };
    list_of(&request, &store, |message: &Message| message.id.to_string(), read).await
}

async fn write(desk: Desk, id: web::Path<String>, words: Body<Words>) -> Result<HttpResponse> {
    let id = id_of(&id)?;
    desk.create(async move |tx, by| Message::write(tx, by, id, words.0).await).await
}

/// 201 for a receipt, 200 for one that was given before.
async fn read(desk: Desk, path: web::Path<(String, String)>) -> Result<HttpResponse> {
    let (chat, message) = (id_of(&path.0)?, id_of(&path.1)?);
    let done = desk.commit(async move |tx, by| Message::read(tx, by, chat, message).await).await?;
    let (value, fresh) = done.value;
    let answer = if fresh { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(answer_write(answer, &Committed { value, seq: done.seq }))
}

impl Chat {
    /// Opens the chat of a request that was given to a seller.
    pub(super) async fn open(conn: &mut Conn, of: &PurchaseRequest, seller: UserId, now: Time) -> QueryResult<()> {
        let (id, request_id, buyer_id) = (ChatId::generate(), of.id, of.buyer_id);
        let chat = Self { id, request_id, buyer_id, seller_id: seller, created_at: now };
        sql!(conn, |c| diesel::insert_into(chats::table).values(&chat).execute(c).await).map(drop)
    }
}

impl Document for Chat {
    type Id = ChatId;

    fn id(&self) -> ChatId {
        self.id
    }

    async fn find(conn: &mut Conn, id: ChatId) -> QueryResult<Self> {
        sql!(conn, |c| chats::table.find(id).select(Self::as_select()).first(c).await)
    }

    async fn is_seen_by(&self, _: &mut Conn, by: &Identity) -> QueryResult<bool> {
        Ok(by.user == self.buyer_id || by.user == self.seller_id)
    }

    async fn list(conn: &mut Conn, by: &Identity, listing: &Listing) -> QueryResult<Vec<Self>> {
        page!(conn, listing, Self in chats, chats::buyer_id.eq(by.user).or(chats::seller_id.eq(by.user)))
    }
}

impl Message {
    /// A new one, told to the chat and to both of its people.
    pub(super) async fn write(tx: &mut Tx, by: &Identity, id: ChatId, words: Words) -> Result<Self> {
        let chat: Chat = seen(&mut tx.conn, by, id).await?;
        let message = Self::create(words, &chat, by, tx.now())?;
        sql!(&mut tx.conn, |c| diesel::insert_into(chat_messages::table).values(&message).execute(c).await)?;
        let rooms = [Room::Chat(id), Room::User(chat.buyer_id), Room::User(chat.seller_id)];
        tx.tell_of(&message, Audience::to(rooms))?;
        Ok(message)
    }

    /// The message, read by the caller; whether that is new.
    pub(super) async fn read(tx: &mut Tx, by: &Identity, chat: ChatId, id: MessageId) -> Result<(Self, bool)> {
        seen::<Chat>(&mut tx.conn, by, chat).await?;
        let place = chat_messages::id.eq(id).and(chat_messages::chat_id.eq(chat));
        let before: Self =
            sql!(&mut tx.conn, |c| chat_messages::table.filter(place).select(Self::as_select()).first(c).await)?;
        let read_at = tx.now();
        let Some(after) = before.clone().read_by(by, read_at)? else { return Ok((before, false)) };
        let change = diesel::update(chat_messages::table.find(id)).set(chat_messages::read_at.eq(after.read_at));
        sql!(&mut tx.conn, |c| change.execute(c).await)?;
        let payload = ChatMessageRead { chat_id: chat, message_id: id, user_id: by.user, read_at };
        tx.tell_of(&payload, Audience::to([Room::Chat(chat)]))?;
        Ok((after, true))
    }

    fn create(words: Words, chat: &Chat, by: &Identity, now: Time) -> Result<Self> {
        let mut faults = Faults::default();
        faults.text("text", &words.text, 1..=TEXT_MAX);
        let (id, chat_id) = (MessageId::generate(), chat.id);
        faults.or(Self { id, chat_id, sender_id: by.user, text: words.text, created_at: now, read_at: None })
    }

    /// It, read by the other of the two; `None` when it was read before.
    ///
    /// # Errors
    /// 403 for its own sender: that would tell nobody anything.
    fn read_by(self, by: &Identity, now: Time) -> Result<Option<Self>> {
        if self.sender_id == by.user {
            return Err(Error::forbidden("a message is read by the one it is for"));
        }
        Ok(self.read_at.is_none().then_some(Self { read_at: Some(now), ..self }))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::stage::*, *};

    #[test]
    fn a_message_is_read_once_and_by_the_other() {
        let (bea, sam) = (buyer(), seller());
        let (id, now) = (ChatId::generate(), Time::now());
        let chat =
            Chat { id, request_id: RequestId::generate(), buyer_id: bea.user, seller_id: sam.user, created_at: now };
        let message = Message::create(Words { text: "Hello".into() }, &chat, &bea, now).expect("a message");
        assert!(matches!(message.clone().read_by(&bea, now), Err(Error::Forbidden(_))));
        let read = message.read_by(&sam, now).expect("may").expect("for the first time");
        assert_eq!(read.read_at, Some(now));
        assert_eq!(read.read_by(&sam, now.plus_seconds(1)).expect("may"), None, "once");
        for text in [String::new(), "x".repeat(TEXT_MAX + 1), "\u{7}".into()] {
            assert!(matches!(Message::create(Words { text }, &chat, &bea, now), Err(Error::Invalid(_))));
        }
    }
}
