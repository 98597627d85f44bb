//! `/admin`: for administrators, who watch the connections there and move them (CONTRACT 3 and 9). Its
//! sockets are no connections: they hear no notices, count in no presence, and stand in no list.
//!
//! | Part | What |
//! |---|---|
//! | `login` | what an administrator shows; pure |
//! | `told` | the payloads of what is said in Herald's words |
//! | `words` | what is said, in Herald's words and in the Admin UI's; pure |
//! | `wishes` | what may be asked for; pure |
//! | `desk` | one socket's affairs, one after the other |

mod desk;
mod login;
mod told;
mod wishes;
mod words;

pub use self::told::{ConnectionsTold, ServerStats};

use self::{
    desk::{Asked, Desk},
    login::{Dialect, Shown},
    wishes::Arguments,
};
use super::{Refused, link};
use crate::{
    error::{Error, Result},
    identity::Identity,
    transport::{Steward, handshake::bearer},
};
use serde_json::Value;
use socketioxide::extract::{AckSender, Event, SocketRef, TryData};
use std::{
    fmt,
    future::ready,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};
use tokio::sync::{Notify, mpsc};

/// Most wishes that may wait for their turn: each may go through thousands of connections.
const WISHES_MAX: usize = 32;

/// What the check found out, carried to the connect handler in the socket's extensions.
#[derive(Clone)]
struct Admitted(Arc<Mutex<Option<Desk>>>);

/// Why somebody is not let in, in the words of their dialect.
pub struct NotAdmitted(Dialect, Error);

impl fmt::Display for NotAdmitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, &self.1) {
            // By these the Admin UI asks for another password.
            (Dialect::AdminUi, Error::Unauthorized | Error::TokenExpired) => f.write_str("invalid credentials"),
            (_, error) => Refused::text(error, f),
        }
    }
}

/// Lets an administrator in, before CONNECT is answered.
pub async fn admit(socket: &SocketRef, auth: &Value, steward: &Steward) -> Result<(), NotAdmitted> {
    let dialect = login::dialect(auth);
    admit_as(dialect, socket, auth, steward).await.map_err(|error| NotAdmitted(dialect, error))
}

async fn admit_as(dialect: Dialect, socket: &SocketRef, auth: &Value, steward: &Steward) -> Result<()> {
    let link = link(socket)?;
    if link.is_closed() {
        return Err(Error::Unavailable("the transport is closing".into()));
    }
    let mut headers = socket.req_parts().headers.get_all("authorization").iter();
    let header = match (headers.next(), headers.next()) {
        (Some(header), None) => header.to_str().ok().and_then(bearer),
        // Two headers: nobody knows which to believe.
        _ => None,
    };
    let (token, identity): (String, Identity) = match login::shown(auth, header)? {
        Shown::Token(token) => {
            let identity = steward.identify(&token).await?;
            (token, identity)
        }
        Shown::Password(email, password) => {
            let from = link.peer().map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip());
            steward.log_in(email, password, from).await?
        }
    };
    if !identity.is_admin() {
        return Err(Error::forbidden("administrators only"));
    }
    let (asks, asked) = mpsc::channel(WISHES_MAX);
    let gone = Arc::new(Notify::new());
    listen(socket, asks, Arc::clone(&gone));
    let desk = Desk { dialect, token, identity, steward: steward.clone(), link, asked, gone };
    socket.extensions.insert(Admitted(Arc::new(Mutex::new(Some(desk)))));
    Ok(())
}

/// What the client sends goes to its desk, in the order in which it was sent (see the module above).
fn listen(socket: &SocketRef, asks: mpsc::Sender<Asked>, goes: Arc<Notify>) {
    socket.on_fallback(move |Event(event): Event, TryData(data): TryData<Arguments>, ack: AckSender| {
        let arguments = data.map(|Arguments(arguments)| arguments).unwrap_or_default();
        if let Err(mpsc::error::TrySendError::Full(asked)) = asks.try_send(Asked { event, arguments, ack }) {
            asked.answer(&Err(Error::RateLimited(1)));
        }
        ready(())
    });
    socket.on_disconnect(move || {
        // Kept for the desk if it only opens.
        goes.notify_one();
        ready(())
    });
}

/// CONNECT is answered: the desk opens.
pub fn enter(socket: SocketRef) {
    let admitted = socket.extensions.remove::<Admitted>();
    let desk = admitted.and_then(|Admitted(desk)| desk.lock().ok()?.take());
    if let (Some(desk), Ok(runtime)) = (desk, tokio::runtime::Handle::try_current()) {
        runtime.spawn(desk.open(socket));
    }
}
