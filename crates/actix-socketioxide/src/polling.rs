//! The polling transport: an ordinary actix-web handler in front of the engine.

use crate::{
    convert, cors,
    engine::Engine,
    frames::{is_event, is_event_elsewhere},
    link::{Lifetime, Link},
    mount::Core,
    origins::Verdict,
    query::{Query, Refusal, Transport},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web,
};
use bytes::Bytes;
use engineioxide::socket::Sid;
use http::{Request, Response};
use http_body_util::Full;
use std::sync::{Arc, atomic::Ordering};
use tokio::time::timeout;

const PACKET_SEPARATOR: u8 = 0x1e;

pub(crate) async fn handle<E: Engine>(
    core: Arc<Core<E>>,
    path: Arc<str>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let verdict = core.judge(request.head());
    let mut answer = if verdict == Verdict::Refused {
        core.refuse(Refusal::Forbidden)
    } else if request.method() == Method::OPTIONS {
        cors::preflight(&request)
    } else {
        match respond(&core, path, &request, payload).await {
            Ok(answer) => answer,
            Err(refusal) => core.refuse(refusal),
        }
    };
    cors::allow(verdict, request.headers().get(header::ORIGIN), answer.headers_mut());
    answer
}

async fn respond<E: Engine>(
    core: &Core<E>,
    path: Arc<str>,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let query = Query::parse(request.query_string())?;
    if query.transport == Transport::Websocket {
        return Err(Refusal::BadRequest);
    }
    match (query.sid, request.method()) {
        (None, &Method::GET) => open(core, path, request).await,
        (None, _) => Err(Refusal::BadHandshakeMethod),
        (Some(sid), &Method::GET) => poll(core, sid, request).await,
        (Some(sid), &Method::POST) => post(core, sid, request, payload).await,
        (Some(_), _) => Err(Refusal::BadRequest),
    }
}

async fn open<E: Engine>(core: &Core<E>, path: Arc<str>, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
    if core.ledger.is_closing() {
        return Ok(HttpResponse::ServiceUnavailable().finish());
    }
    let peer = request.head().peer_addr;
    let Some(slot) = core.ledger.sessions.take(peer.map(|peer| peer.ip())) else {
        core.ledger.counters.over_cap.fetch_add(1, Ordering::Relaxed);
        return Ok(HttpResponse::ServiceUnavailable().finish());
    };
    let link = Link::of_polling(peer, path, Arc::clone(&core.close), slot);
    let mut handshake = core.handshake(request.head(), Full::default())?;
    handshake.extensions_mut().insert(link.clone());
    handshake.extensions_mut().insert(Lifetime::of(&link));
    let answer = core.engine.answer(handshake).await;
    if let Some(sid) = opened_sid(answer.body()) {
        core.sessions.insert(sid, &link);
        link.opened(sid);
        // Shutdown may have gone through the sessions before this one was among them.
        if core.ledger.is_closing() {
            link.cut();
        }
    }
    Ok(core.convert(answer))
}

async fn poll<E: Engine>(core: &Core<E>, sid: Sid, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
    let link = core.sessions.find(&sid);
    if let Some(link) = &link {
        // One poll at a time: this client has the answer to the one before.
        link.took_all();
    }
    let mut guard = AbortedPoll(link.clone());
    let answer = core.engine.answer(whole(request, Bytes::new())?).await;
    guard.0 = None;
    if let Some(link) = link {
        match event_bytes(answer.body()) {
            0 => {}
            len => link.answered_events(len),
        }
        match events_elsewhere(answer.body()) {
            0 => {}
            count => link.answered_elsewhere(count),
        }
    }
    Ok(core.convert(answer))
}

async fn post<E: Engine>(
    core: &Core<E>,
    sid: Sid,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    // The engine wants a `Send` body, actix's is not: collect it first, bounded in size and time.
    let body = payload.to_bytes_limited(core.settings.max_payload);
    let body = match timeout(core.settings.request_timeout, body).await {
        Ok(Ok(Ok(body))) => body,
        Ok(Ok(Err(_))) => return Err(Refusal::BadRequest),
        Ok(Err(_)) => return Ok(HttpResponse::PayloadTooLarge().finish()),
        Err(_) => return Ok(HttpResponse::RequestTimeout().finish()),
    };
    let leaves = &body[..] == b"1";
    let answer = core.engine.answer(whole(request, body)?).await;
    if leaves && let Some(link) = core.sessions.find(&sid) {
        link.close_polling();
    }
    Ok(core.convert(answer))
}

fn whole(request: &HttpRequest, body: Bytes) -> Result<Request<Full<Bytes>>, Refusal> {
    convert::request(request.head(), Full::new(body), |_| true).map_err(|_| Refusal::BadRequest)
}

/// A poll whose client went away takes its session with it: its answer would be lost.
struct AbortedPoll(Option<Link>);

impl Drop for AbortedPoll {
    fn drop(&mut self) {
        if let Some(link) = self.0.take() {
            link.close_polling();
        }
    }
}

/// The sid in an open packet, `0{"sid":"...",...}`.
fn opened_sid(body: &[u8]) -> Option<Sid> {
    let text = std::str::from_utf8(body).ok()?.strip_prefix('0')?;
    let (_, rest) = text.split_once(r#""sid":""#)?;
    rest.split_once('"')?.0.parse().ok()
}

fn event_bytes(body: &[u8]) -> u64 {
    body.split(|byte| *byte == PACKET_SEPARATOR)
        .filter(|packet| is_event(packet))
        .map(|packet| packet.len() as u64)
        .sum()
}

fn events_elsewhere(body: &[u8]) -> u64 {
    body.split(|byte| *byte == PACKET_SEPARATOR).filter(|packet| is_event_elsewhere(packet)).count() as u64
}

impl<E: Engine> Core<E> {
    /// The request that opens a session stays in memory as long as the session: only what
    /// handlers may want of it is kept.
    pub(crate) fn handshake<B>(&self, head: &actix_http::RequestHead, body: B) -> Result<Request<B>, Refusal> {
        let kept = |name: &str| self.settings.keep_headers.iter().any(|kept| kept == name);
        convert::request(head, body, kept).map_err(|_| Refusal::BadRequest)
    }

    fn refuse(&self, refusal: Refusal) -> HttpResponse {
        self.ledger.counters.refused(refusal.code());
        let status = match refusal {
            Refusal::Forbidden => actix_web::http::StatusCode::FORBIDDEN,
            _ => actix_web::http::StatusCode::BAD_REQUEST,
        };
        HttpResponse::build(status).content_type("application/json").body(refusal.json())
    }

    fn convert(&self, answer: Response<Bytes>) -> HttpResponse {
        if answer.status().is_client_error()
            && let Some(code) = refused_code(answer.body())
        {
            self.ledger.counters.refused(code);
        }
        convert::answer(answer)
    }
}

/// The engine writes codes as strings: `{"code":"1",...}`.
fn refused_code(body: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, code) = text.split_once(r#""code":"#)?;
    code.trim_start_matches('"').chars().next()?.to_digit(10).map(|code| code as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sid_is_found_in_an_open_packet_and_nowhere_else() {
        let open = br#"0{"sid":"AA9AAA0AAzAAAAHs","upgrades":["websocket"]}"#;
        assert_eq!(opened_sid(open).map(|sid| sid.to_string()), Some("AA9AAA0AAzAAAAHs".into()));
        assert_eq!(opened_sid(br#"40{"sid":"AA9AAA0AAzAAAAHs"}"#), None);
        assert_eq!(opened_sid(b"0{}"), None);
    }

    #[test]
    fn only_events_and_acknowledgements_of_an_answer_count() {
        let body = "2\u{1e}42[\"a\"]\u{1e}42/admin,[\"b\"]\u{1e}451-[\"c\"]\u{1e}bAAEC\u{1e}431[]";
        assert_eq!(event_bytes(body.as_bytes()), 7 + 5);
        assert_eq!(event_bytes(b""), 0);
        assert_eq!((events_elsewhere(body.as_bytes()), events_elsewhere(b"")), (1, 0));
    }

    #[test]
    fn the_engines_own_refusals_are_recognised() {
        assert_eq!(refused_code(br#"{"code":"1","message":"Session ID unknown"}"#), Some(1));
        assert_eq!(refused_code(b"42"), None);
    }
}
