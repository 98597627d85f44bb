//! What a mount asks of the engine behind it.

use bytes::Bytes;
use engineioxide::{
    handler::EngineIoHandler,
    service::{EngineIoService, NotFoundService},
    socket::Sid,
};
use futures_core::future::BoxFuture;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::service::Service;
use socketioxide::{adapter::Adapter, service::SocketIoService};
use std::{convert::Infallible, fmt, future::Future, sync::Arc};
use tokio::io::{AsyncRead, AsyncWrite};

/// An Engine.IO server: [`SocketIoService`] and [`EngineIoService`] are, and so may be something
/// of your own that chooses between several by the request's path.
pub trait Engine: Clone + Send + Sync + 'static {
    /// Answers a request of the polling transport.
    fn answer(&self, request: Request<Full<Bytes>>) -> impl Future<Output = Response<Bytes>> + Send;

    /// Takes a stream on which the websocket handshake was already answered. Returns false if
    /// the engine did not want it; the stream is dropped then.
    fn hand_over<S>(&self, stream: S, request: Request<()>) -> bool
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static;
}

impl<A: Adapter> Engine for SocketIoService<NotFoundService, A> {
    async fn answer(&self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        collect(Service::call(self, request).await).await
    }

    fn hand_over<S>(&self, stream: S, request: Request<()>) -> bool
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        Service::call(self, (stream, request)).into_inner().is_ok()
    }
}

impl<H: EngineIoHandler> Engine for EngineIoService<H, NotFoundService> {
    async fn answer(&self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        collect(Service::call(self, request).await).await
    }

    fn hand_over<S>(&self, stream: S, request: Request<()>) -> bool
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        Service::call(self, (stream, request)).into_inner().is_ok()
    }
}

async fn collect<B: hyper::body::Body>(answer: Result<Response<B>, Infallible>) -> Response<Bytes> {
    let (parts, body) = match answer {
        Ok(answer) => answer.into_parts(),
        Err(never) => match never {},
    };
    match body.collect().await {
        Ok(body) => Response::from_parts(parts, body.to_bytes()),
        Err(_) => {
            let mut failed = Response::new(Bytes::new());
            *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            failed
        }
    }
}

/// Ends a session that is on the polling transport.
pub(crate) trait Close: Send + Sync + fmt::Debug {
    fn close(&self, path: Arc<str>, sid: Sid) -> BoxFuture<'static, ()>;
}

/// Sends the engine, inside the process, what a client sends to leave: an Engine.IO close packet.
/// The engine has no other door for it.
pub(crate) struct InProcess<E>(pub(crate) E);

impl<E: Engine> Close for InProcess<E> {
    fn close(&self, path: Arc<str>, sid: Sid) -> BoxFuture<'static, ()> {
        let engine = self.0.clone();
        Box::pin(async move {
            let packet = Full::new(Bytes::from_static(b"1"));
            let uri = format!("{path}/?EIO=4&transport=polling&sid={sid}");
            match Request::post(uri).body(packet) {
                Ok(request) => drop(engine.answer(request).await),
                Err(error) => log::error!("cannot close session {sid}: {error}"),
            }
        })
    }
}

impl<E> fmt::Debug for InProcess<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}
