//! One administrator's socket: news go out one batch at a time, wishes are done one after the other.

use super::{
    login::Dialect,
    wishes::{Whom, Wish},
    words::{Said, Speaker, welcome},
};
use crate::{
    broker::{Cause, ConnectionFilter, LookOn, News, Watcher},
    error::{Error, Result},
    identity::Identity,
    notice::ConnectionId,
    time::Time,
    transport::{Act, Selection, Steward},
};
use actix_socketioxide::Link;
use serde::{Serialize, Serializer, ser::SerializeTuple as _};
use serde_json::{Value, json};
use socketioxide::extract::{AckSender, SocketRef};
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

/// News that may wait while a batch is on its way. There is little sense in more: whoever is behind is
/// told all anew, and numbers that are old are not told at all.
const NEWS_MAX: usize = 4;

/// A wish, and where its answer goes.
pub struct Asked {
    pub event: String,
    pub arguments: Vec<Value>,
    pub ack: AckSender,
}

impl Asked {
    /// Answers, if an answer is wanted.
    pub fn answer(self, outcome: &Result<Value>) {
        let answer = match outcome {
            Ok(done) => done.clone(),
            Err(error) => json!(error.problem()),
        };
        // A client that is gone needs none.
        let _ = self.ack.send(&answer);
    }
}

/// All that is known of an administrator's socket.
pub struct Desk {
    pub dialect: Dialect,
    pub token: String,
    pub identity: Identity,
    pub steward: Steward,
    pub link: Link,
    pub asked: mpsc::Receiver<Asked>,
    pub gone: Arc<Notify>,
}

/// How the broker reaches it.
struct Eye {
    news: mpsc::Sender<News>,
    link: Link,
}

impl Watcher for Eye {
    fn tell(&mut self, news: News) -> bool {
        self.news.try_send(news).is_ok()
    }

    /// Clients come back from a lost transport, and hear then that they are no longer let in.
    fn close(&mut self, _: Cause) {
        self.link.cut();
    }
}

/// The arguments of an event: what the library takes for a tuple it sends one by one.
struct Arguments<'a>(&'a [Value]);

impl Serialize for Arguments<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        let mut tuple = to.serialize_tuple(self.0.len())?;
        self.0.iter().try_for_each(|argument| tuple.serialize_element(argument))?;
        tuple.end()
    }
}

impl Desk {
    /// Opens it; ends with the socket.
    pub async fn open(mut self, socket: SocketRef) {
        // Random: the sockets of both namespaces have the same id.
        let name = ConnectionId(Uuid::new_v4().to_string().into());
        if self.begin(&name, &socket).await.is_err() {
            self.link.cut();
        }
        self.steward.unwatch(name).await;
    }

    async fn begin(&mut self, name: &ConnectionId, socket: &SocketRef) -> Result<()> {
        let (sender, mut news) = mpsc::channel(NEWS_MAX);
        let watcher = Box::new(Eye { news: sender, link: self.link.clone() });
        let watch = LookOn { name: name.clone(), identity: self.identity.clone(), watcher };
        self.steward.watch(watch).await?;
        // What changed since the token was checked and before the broker knew of it.
        self.is_still_admin().await?;
        let mut speaker = Speaker::new(self.dialect);
        if self.dialect == Dialect::AdminUi {
            welcome(&self.token).into_iter().try_for_each(|said| self.say(socket, said))?;
        }
        loop {
            let behind = self.link.elsewhere_waits();
            tokio::select! {
                () = self.gone.notified() => return Ok(()),
                () = self.link.closed() => return Ok(()),
                some = news.recv(), if !behind => {
                    let some = some.ok_or_else(|| Error::Unavailable("the broker is gone".into()))?;
                    speaker.tell(&some, Time::now()).into_iter().try_for_each(|said| self.say(socket, said))?;
                }
                () = self.link.elsewhere_left(), if behind => {}
                Some(asked) = self.asked.recv() => {
                    let outcome = self.grant(name, &asked).await;
                    asked.answer(&outcome);
                }
            }
        }
    }

    fn say(&self, socket: &SocketRef, (event, arguments): Said) -> Result<()> {
        self.link.emits_elsewhere();
        // The library drops what it has no place for: then nothing fits together any more.
        socket.emit(event, &Arguments(&arguments)).map_err(|_| Error::Unavailable("the client is gone".into()))
    }

    async fn is_still_admin(&self) -> Result<()> {
        let identity = self.steward.identify(&self.token).await?;
        if identity.is_admin() { Ok(()) } else { Err(Error::forbidden("administrators only")) }
    }

    async fn grant(&mut self, name: &ConnectionId, asked: &Asked) -> Result<Value> {
        let wish = Wish::read(&asked.event, &asked.arguments)?;
        let (whom, act) = match wish {
            Wish::Authenticate(token) => {
                self.steward.watch_on(name, &token).await?;
                self.token = token;
                return Ok(json!({ "ok": true }));
            }
            Wish::Join(whom, room) => (whom, Act::Join([room].into())),
            Wish::Leave(whom, room) => (whom, Act::Leave([room].into())),
            Wish::Disconnect(whom) => (whom, Act::Disconnect),
        };
        // On every wish: what it was at the door may have ended.
        self.is_still_admin().await?;
        let selection = self.select(whom).await?;
        let report = self.steward.apply(selection, &act).await?;
        log::info!(
            "administrator {}: {}: {} of {} connections",
            self.identity.user,
            act.name(),
            report.changed,
            report.matched
        );
        let mut answer = json!(report);
        answer["ok"] = true.into();
        Ok(answer)
    }

    /// The connection of this name if there is one, else the room.
    async fn select(&self, Whom(whom): Whom) -> Result<Selection> {
        let ids = vec![ConnectionId(whom.as_str().into())];
        let filter = ConnectionFilter { ids: Some(ids.clone()), limit: Some(1), ..ConnectionFilter::default() };
        if !self.steward.list(filter).await?.is_empty() {
            return Ok(Selection { ids: Some(ids), ..Selection::default() });
        }
        let room = whom.parse().map_err(|_| Error::NotFound)?;
        Ok(Selection { room: Some(room), ..Selection::default() })
    }
}
