//! Plain WebSocket: `/ws` (CONTRACT 3). JSON text frames `{event, data, seq?}` out, `{event, data,
//! id?}` in, answered by `{ack: id, data}`.

mod incoming;
mod outgoing;
mod session;
mod size;

use super::{
    Entrance,
    door::{self, Visitor},
    queue::QueueOutlet,
    session::Session as Affairs,
};
use crate::{
    broker::{Frame, Transport},
    error::{Error, Result},
};
use actix_http::ws::Codec;
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{self, WebsocketContext};
use outgoing::Confirming;
use session::Session;
use size::Measured;

/// Puts `/ws` into an app. The app data has to hold an [`Entrance`].
pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/ws", web::get().to(open));
}

async fn open(request: HttpRequest, payload: web::Payload, entrance: web::Data<Entrance>) -> Result<HttpResponse> {
    let mut answer = ws::handshake(&request).map_err(|error| Error::Malformed(error.to_string().into()))?;
    let meter = door::meter(&request)?;
    let visitor = Visitor::announce(&request, &entrance, true).await?;
    let way_out = meter.clone();
    let (acks, handover) = (visitor.handshake.acks, visitor.handover(&entrance, &meter));
    let (queue, seat) = visitor
        .enter(&entrance, Transport::WebSocket, |queue| QueueOutlet::new(queue, way_out, Frame::websocket, acks))
        .await?;
    let limits = entrance.limits().clone();
    let codec = Codec::new().max_size(limits.message_max);
    let (payload, size) = Measured::new(payload, limits.message_max);
    let affairs = Affairs::seated(entrance.get_ref().clone(), seat);
    let session = Session::new(queue, meter, affairs, size, limits);
    let unencoded = session.unencoded();
    let encoded = WebsocketContext::with_codec(session, payload, codec);
    Ok(match handover {
        Some(handover) => answer.streaming(Confirming::new(Box::pin(encoded), unencoded, handover)),
        None => answer.streaming(encoded),
    })
}
