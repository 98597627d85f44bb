//! Server-sent events: `GET /v1/stream` (WHATWG HTML, server-sent events; CONTRACT 3).
//!
//! One way only, so rooms are named in the address and nothing is acknowledged. The first line tells
//! the browser to come back after a second; each event's `id:` is its place in the order, which the
//! browser sends as `Last-Event-ID` when it does. `ready` has one too, so a client that loses its
//! stream right after it misses nothing either.

mod body;

use super::{
    Entrance,
    door::{self, Visitor},
    queue::QueueOutlet,
};
use crate::{
    broker::{Frame, Transport},
    error::Result,
    notice::Cursor,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
    web,
};
use body::Body;

/// Adds it; to be mounted under `/v1`. The app data has to hold an [`Entrance`].
pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/stream", web::get().to(open));
}

async fn open(request: HttpRequest, entrance: web::Data<Entrance>) -> Result<HttpResponse> {
    let mut visitor = Visitor::announce(&request, &entrance, false).await?;
    // A client that has seen nothing yet may send an empty one.
    if let Some(last) = request.headers().get("last-event-id").filter(|last| !last.is_empty()) {
        // What the browser saw last is newer than what the page put into the address.
        visitor.handshake.after = last.to_str().map_or(Cursor::Unknown, Cursor::parse);
    }
    let meter = door::meter(&request)?;
    let (queue, seat) =
        visitor.enter(&entrance, Transport::Sse, |queue| QueueOutlet::new(queue, meter, Frame::sse)).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("text/event-stream")))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header(("X-Accel-Buffering", "no"))
        // A closed outlet cuts the stream after a moment: no other request may be on it then.
        .force_close()
        .streaming(Body::new(queue, seat, entrance.limits().comment_interval)))
}
