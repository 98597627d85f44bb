//! The marketplace (CONTRACT 8): each event with those who hear it and those who must not, on Socket.IO
//! and on another wire; rights, races, the provider's word.

mod away;
mod chats;
mod disputes;
mod offers;
mod payments;
mod races;
mod requests;
mod rooms;
mod walk;

use crate::support::{
    Answer, Call, Everywhere, Over, TestServer, User, Way,
    processor::{Message, WEBHOOK_SECRET},
};
use herald::secret::Secret;
use serde_json::{Value, json};

/// A buyer and a seller who will come to a deal, others like them who must not hear of it, an
/// administrator.
struct Market {
    server: TestServer,
    bea: User,
    sam: User,
    other_buyer: User,
    rival: User,
    root: User,
}

/// What was agreed on.
struct Deal {
    request: String,
    offer: String,
    chat: String,
}

impl Market {
    async fn open() -> Self {
        let server = TestServer::with(|config| config.webhook_secrets = [WEBHOOK_SECRET].map(Secret::new).into()).await;
        let (buyer, seller) = (["USER", "BUYER"], ["USER", "SELLER"]);
        let [bea, other_buyer] = [(); 2].map(|()| server.stranger(&buyer));
        let [sam, rival] = [(); 2].map(|()| server.stranger(&seller));
        let root = server.operator();
        Self { server, bea, sam, other_buyer, rival, root }
    }

    async fn request(&self) -> String {
        self.bea.asks_for("A boat").await.created().id()
    }

    /// Bea takes Sam's offer.
    async fn deal(&self) -> Deal {
        let request = self.request().await;
        let offer = self.sam.offers(&request, "100.00").await.created().id();
        self.bea.accepts(&offer).await.created();
        let chats = self.bea.get("/v1/chats").await.ok();
        let chat = chats.list().iter().find(|chat| chat["requestId"] == *request).expect("a chat");
        Deal { chat: chat["id"].as_str().expect("an id").to_owned(), request, offer }
    }

    /// Bea pays for the deal.
    async fn payment(&self, deal: &Deal) -> String {
        self.bea.pays(&deal.offer).await.created().id()
    }

    /// The provider tells something.
    fn tells(&self, body: Value) -> Call {
        Message::of_payments(body).to(&self.server)
    }

    /// The provider tells how far a payment is.
    fn tells_of(&self, payment: &str, status: &str) -> Call {
        self.tells(json!({ "kind": "payment", "paymentId": payment, "providerPaymentId": "p-1", "status": status }))
    }

    /// None of these heard anything.
    async fn silence(&self, ears: &mut [&mut Everywhere]) {
        let marker = self.server.marker().await;
        for ear in ears {
            ear.hears_marker(&marker).await;
        }
    }
}

impl User {
    fn asks_for(&self, title: &str) -> Call {
        self.post("/v1/requests", json!({ "title": title, "description": "Small, red", "budget": "120.50" }))
    }

    fn offers(&self, request: &str, price: &str) -> Call {
        self.post(format!("/v1/requests/{request}/offers"), json!({ "price": price, "currency": "EUR" }))
    }

    fn counters(&self, offer: &str, price: Option<&str>) -> Call {
        let mut body = json!({ "message": "How about that?" });
        if let Some(price) = price {
            body["price"] = price.into();
        }
        self.post(format!("/v1/offers/{offer}/counter"), body)
    }

    fn accepts(&self, offer: &str) -> Call {
        self.call("POST", format!("/v1/offers/{offer}/accept"))
    }

    fn pays(&self, offer: &str) -> Call {
        self.post("/v1/payments", json!({ "offerId": offer }))
    }

    fn moves_request(&self, request: &str, status: &str) -> Call {
        self.put(format!("/v1/requests/{request}/status"), json!({ "status": status }))
    }

    fn writes(&self, chat: &str, text: &str) -> Call {
        self.post(format!("/v1/chats/{chat}/messages"), json!({ "text": text }))
    }

    fn disputes(&self, request: &str) -> Call {
        self.post("/v1/disputes", json!({ "requestId": request, "reason": "It leaks" }))
    }

    /// On Socket.IO and on SSE, in these rooms besides the automatic ones.
    async fn ears(&self, rooms: &[String]) -> Everywhere {
        let mut all = Vec::new();
        for over in [Over::SocketIo, Over::Sse] {
            let live = self.live_by(Way::new(over).rooms(rooms)).await;
            assert_eq!(live.ready["refusedRooms"], json!([]), "{rooms:?}");
            all.push(live);
        }
        Everywhere(all)
    }
}

fn request_room(id: &str) -> String {
    format!("request-{id}")
}

fn chat_room(id: &str) -> String {
    format!("chat-{id}")
}

/// What is told of a whole document: its fields, and the place.
fn told(answer: &Answer) -> Value {
    let mut told = answer.body.clone();
    told["seq"] = answer.seq().into();
    told
}
