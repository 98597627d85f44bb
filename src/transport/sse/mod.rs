//! Server-sent events: `GET /v1/stream` (WHATWG HTML, server-sent events; CONTRACT 3).
//!
//! One way only, so rooms are named in the address and nothing is acknowledged: what was handed to the
//! operating system counts as confirmed (with `?acks=true` only reading over HTTP does). The first line
//! tells the browser to come back after a second; each event's `id:` is its place in the order, which
//! the browser sends as `Last-Event-ID` when it does. `ready` has one too, so a client that loses its
//! stream right after it misses nothing either.

mod body;

use super::{
    Entrance,
    door::{self, Visitor},
    queue::QueueOutlet,
};
use crate::{
    broker::{Frame, Transport},
    error::{Error, Result},
    notice::Cursor,
};
use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
    web,
};
use body::Body;

const EVENTS: &str = "text/event-stream";

/// Adds it; to be mounted under `/v1`. The app data has to hold an [`Entrance`].
pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/stream", web::get().to(open));
}

async fn open(request: HttpRequest, entrance: web::Data<Entrance>) -> Result<HttpResponse> {
    match follow(&request, &entrance).await {
        // An `EventSource` takes anything but a stream for the end of all its attempts, and would not
        // come back to a node that is stopping. So it gets a stream that ends and says when to try again.
        Err(Error::Unavailable(_)) if is_event_source(&request) => Ok(stream().body(body::HEAD)),
        other => other,
    }
}

fn is_event_source(request: &HttpRequest) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains(EVENTS))
}

async fn follow(request: &HttpRequest, entrance: &Entrance) -> Result<HttpResponse> {
    let mut visitor = Visitor::announce(request, entrance, false).await?;
    // A client that has seen nothing yet may send an empty one.
    if let Some(last) = request.headers().get("last-event-id").filter(|last| !last.is_empty()) {
        // What the browser saw last is newer than what the page put into the address.
        visitor.handshake.after = last.to_str().map_or(Cursor::Unknown, Cursor::parse);
    }
    let meter = door::meter(request)?;
    let (acks, handover) = (visitor.handshake.acks, visitor.handover(entrance, &meter));
    let (queue, seat) =
        visitor.enter(entrance, Transport::Sse, |queue| QueueOutlet::new(queue, meter, Frame::sse, acks)).await?;
    Ok(stream().streaming(Body::new(queue, handover, seat, entrance.limits().comment_interval)))
}

fn stream() -> HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((CONTENT_TYPE, HeaderValue::from_static(EVENTS)))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header(("X-Accel-Buffering", "no"))
        // A closed outlet cuts the stream after a moment: no other request may be on it then.
        .force_close();
    answer
}
