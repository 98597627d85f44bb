//! Chats: the buyer and the seller of a deal talk, and nobody else reads along.

use super::{Market, chat_room, told};
use serde_json::json;

#[tokio::test]
async fn a_message_is_heard_by_the_two_wherever_they_are_and_by_nobody_else() {
    let m = Market::open().await;
    let deal = m.deal().await;
    let (mut beas, mut sams) = (m.bea.ears(&[chat_room(&deal.chat)]).await, m.sam.ears(&[]).await);
    let (mut rivals, mut others, mut roots) =
        (m.rival.ears(&["sellers".into()]).await, m.other_buyer.ears(&[]).await, m.root.ears(&[]).await);
    let hello = m.bea.writes(&deal.chat, "Hello").await.created();
    assert_eq!((&hello["senderId"], &hello["text"]), (&json!(m.bea.id), &json!("Hello")));
    assert_eq!(beas.hears("chat:new-message").await, told(&hello));
    assert_eq!(sams.hears("chat:new-message").await, told(&hello));
    let answer = m.sam.writes(&deal.chat, "Good day").await.created();
    assert_eq!(beas.hears("chat:new-message").await, told(&answer));
    m.silence(&mut [&mut beas, &mut rivals, &mut others, &mut roots]).await;

    let path = format!("/v1/chats/{}/messages", deal.chat);
    for one in [&m.bea, &m.sam] {
        assert_eq!(one.get(&path).await.ok().list(), &[hello.body.clone(), answer.body.clone()]);
    }
    for one in [&m.rival, &m.other_buyer, &m.root] {
        one.get(&path).await.refused(404, "not_found");
        one.writes(&deal.chat, "Me too").await.refused(404, "not_found");
        one.get(format!("/v1/chats/{}", deal.chat)).await.refused(404, "not_found");
    }
    for text in [String::new(), "x".repeat(4001), "\u{0}".into()] {
        m.bea.writes(&deal.chat, &text).await.refused(422, "invalid_request").naming("text");
    }
    m.bea.writes(&deal.chat, &"\u{1f6a4}".repeat(4000)).await.created();
}

#[tokio::test]
async fn a_message_is_read_once_and_the_chat_hears_of_it() {
    let m = Market::open().await;
    let deal = m.deal().await;
    let message = m.bea.writes(&deal.chat, "Hello").await.created().id();
    let room = [chat_room(&deal.chat)];
    let (mut beas, mut sams) = (m.bea.ears(&room).await, m.sam.ears(&room).await);
    let (mut away, mut rivals) = (m.bea.ears(&[]).await, m.rival.ears(&[]).await);
    let mut reads_elsewhere = m.sam.ears(&[]).await;
    let path = format!("/v1/chats/{}/messages/{message}/read", deal.chat);
    m.bea.call("POST", &path).await.refused(403, "forbidden");
    m.rival.call("POST", &path).await.refused(404, "not_found");
    let read = m.sam.call("POST", &path).await.created();
    let at = &read["readAt"];
    let notice = json!({
        "chatId": deal.chat, "messageId": message, "userId": m.sam.id, "readAt": at, "seq": read.seq(),
    });
    assert_eq!(beas.hears("chat:message-read").await, notice);
    assert_eq!(sams.hears("chat:message-read").await, notice);
    assert_eq!(&m.sam.call("POST", &path).await.ok()["readAt"], at);
    m.silence(&mut [&mut beas, &mut sams, &mut away, &mut reads_elsewhere, &mut rivals]).await;

    let another = m.deal().await;
    let elsewhere = format!("/v1/chats/{}/messages/{message}/read", another.chat);
    m.sam.call("POST", elsewhere).await.refused(404, "not_found");
}
