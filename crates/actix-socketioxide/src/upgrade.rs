//! Every upgrade request of the port comes here, with its stream.

use crate::{
    engine::Engine,
    link::Link,
    metered::Metered,
    mount::Core,
    origins::Verdict,
    query::{Query, Refusal, Transport},
    replay,
};
use actix_codec::Framed;
use actix_http::{
    Protocol, Request, RequestHead, Response,
    body::BoxBody,
    h1,
    ws::{HandshakeError, hash_key, verify_handshake},
};
use actix_service::{Service, ServiceFactory};
use actix_web::http::header::SEC_WEBSOCKET_KEY;
use bytes::{Bytes, BytesMut};
use futures_core::future::LocalBoxFuture;
use std::{fmt, net::SocketAddr, rc::Rc, sync::Arc};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

/// `back` is an HTTP service without upgrades: what is not ours returns to the application by it.
pub(crate) struct Upgrades<E, B> {
    pub(crate) core: Arc<Core<E>>,
    pub(crate) back: B,
}

/// What one stream of an HTTP service is called with.
pub(crate) type Accepted<S> = (Metered<S>, Protocol, Option<SocketAddr>);

/// Never happens: whatever goes wrong is answered on the stream.
#[derive(Debug)]
pub(crate) enum Never {}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl From<Never> for Response<BoxBody> {
    fn from(never: Never) -> Self {
        match never {}
    }
}

impl<E, B, S> ServiceFactory<(Request, Framed<Metered<S>, h1::Codec>)> for Upgrades<E, B>
where
    E: Engine,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: ServiceFactory<Accepted<S>, Config = (), Response = ()>,
    B::Error: fmt::Display,
    B::Service: 'static,
    B::Future: 'static,
{
    type Response = ();
    type Error = Never;
    type Config = ();
    type Service = Upgrades<E, Rc<B::Service>>;
    type InitError = B::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let core = Arc::clone(&self.core);
        let back = self.back.new_service(());
        Box::pin(async move { Ok(Upgrades { core, back: Rc::new(back.await?) }) })
    }
}

impl<E, B, S> Service<(Request, Framed<Metered<S>, h1::Codec>)> for Upgrades<E, Rc<B>>
where
    E: Engine,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: Service<Accepted<S>, Response = ()> + 'static,
    B::Error: fmt::Display,
{
    type Response = ();
    type Error = Never;
    type Future = LocalBoxFuture<'static, Result<(), Never>>;
    actix_service::always_ready!();

    fn call(&self, (request, framed): (Request, Framed<Metered<S>, h1::Codec>)) -> Self::Future {
        let (core, back) = (Arc::clone(&self.core), Rc::clone(&self.back));
        Box::pin(async move {
            let parts = framed.into_parts();
            let mut stream = parts.io;
            // Answers to requests that were pipelined before this one.
            if !parts.write_buf.is_empty() && stream.write_all(&parts.write_buf).await.is_err() {
                return Ok(());
            }
            let head = request.head();
            if core.judge(head) == Verdict::Refused {
                refuse(&core, stream, Refusal::Forbidden).await;
            } else if core.owns(head.uri.path()) {
                hand_over(&core, stream, head, parts.read_buf).await;
            } else {
                stream.enter(crate::ledger::Taker::Route);
                stream.replay(replay::request(head, &parts.read_buf));
                drop(parts.read_buf);
                let peer = stream.meter().peer();
                if let Err(error) = back.call((stream, Protocol::Http1, peer)).await {
                    log::debug!("upgraded route: {error}");
                }
            }
            Ok(())
        })
    }
}

async fn hand_over<E, S>(core: &Core<E>, mut stream: Metered<S>, head: &RequestHead, read: BytesMut)
where
    E: Engine,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (query, accept) = match (parse(head), accept_key(head)) {
        (Ok(query), Ok(accept)) => (query, accept),
        (Err(refusal), _) => return refuse(core, stream, refusal).await,
        (_, Err(error)) => return misshaken(core, stream, error).await,
    };
    if core.ledger.is_closing() {
        return answer(stream, "503 Service Unavailable", "", "").await;
    }
    let Ok(mut handshake) = core.handshake(head, ()) else {
        return refuse(core, stream, Refusal::BadRequest).await;
    };
    let link = match query.sid {
        None => Link::of_websocket(stream.meter()),
        Some(sid) => match core.sessions.find(&sid) {
            None => return refuse(core, stream, Refusal::UnknownSession).await,
            Some(link) if !link.begin_upgrade(stream.meter()) => {
                core.ledger.counters.refused(Refusal::BadRequest.code());
                return open_and_close(stream, &accept).await;
            }
            Some(link) => link,
        },
    };
    handshake.extensions_mut().insert(link.clone());
    // Before the first await: a client that leaves during it must take its session along.
    stream.carry(link, query.sid.is_some());
    if query.sid.is_none() {
        // The engine says at once that the session is open.
        stream.greet(switching(&accept).into());
    } else {
        if stream.write_all(&switching(&accept)).await.is_err() {
            return;
        }
        stream.count_frames();
    }
    // A copy of the little that may be there: the buffer itself has 8 KiB, which would stay as long as the stream.
    stream.replay(Bytes::copy_from_slice(&read));
    drop(read);
    if !core.engine.hand_over(stream, handshake) {
        log::warn!("the engine refused a websocket whose handshake was good");
    }
}

const SWITCHING: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\
    upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ";

fn switching(accept: &[u8]) -> Vec<u8> {
    [SWITCHING, accept, b"\r\n\r\n"].concat()
}

const CLOSE_FRAME: [u8; 2] = [0x88, 0];

/// A second websocket for one session: the protocol's own suite wants it opened, then closed.
async fn open_and_close<S>(mut stream: Metered<S>, accept: &[u8])
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let farewell = [switching(accept).as_slice(), &CLOSE_FRAME].concat();
    if stream.write_all(&farewell).await.is_ok() {
        let _ = stream.shutdown().await;
    }
}

fn parse(head: &RequestHead) -> Result<Query, Refusal> {
    let query = Query::parse(head.uri.query().unwrap_or_default())?;
    match query.transport {
        Transport::Websocket => Ok(query),
        Transport::Polling => Err(Refusal::BadRequest),
    }
}

fn accept_key(head: &RequestHead) -> Result<[u8; 28], HandshakeError> {
    verify_handshake(head)?;
    let key = head.headers.get(SEC_WEBSOCKET_KEY).ok_or(HandshakeError::BadWebsocketKey)?;
    Ok(hash_key(key.as_bytes()))
}

async fn misshaken<E: Engine, S>(core: &Core<E>, stream: Metered<S>, error: HandshakeError)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match error {
        HandshakeError::UnsupportedVersion => {
            core.ledger.counters.refused(Refusal::BadRequest.code());
            answer(stream, "426 Upgrade Required", "sec-websocket-version: 13\r\n", "").await;
        }
        HandshakeError::GetMethodRequired => {
            refuse(core, stream, Refusal::BadHandshakeMethod).await;
        }
        _ => refuse(core, stream, Refusal::BadRequest).await,
    }
}

async fn refuse<E, S>(core: &Core<E>, stream: Metered<S>, refusal: Refusal)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    core.ledger.counters.refused(refusal.code());
    let status = match refusal {
        Refusal::Forbidden => "403 Forbidden",
        _ => "400 Bad Request",
    };
    answer(stream, status, "content-type: application/json\r\n", refusal.json()).await;
}

/// An upgrade that fails ends its stream: nothing else was to come on it.
async fn answer<S>(mut stream: Metered<S>, status: &str, headers: &str, body: &str)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let text =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    // The client may be gone; there is nobody else to tell.
    if stream.write_all(text.as_bytes()).await.is_ok() {
        let _ = stream.shutdown().await;
    }
}
