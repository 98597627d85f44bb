//! actix-web 4 speaks `http` 0.2, socketioxide `http` 1: requests and answers change hands here.

use actix_http::RequestHead;
use actix_web::{HttpResponse, http::StatusCode};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, header};

/// The request with those headers that `keep` wants.
pub(crate) fn request<B>(head: &RequestHead, body: B, keep: impl Fn(&str) -> bool) -> Result<Request<B>, http::Error> {
    let mut request = Request::builder()
        .method(head.method.as_str())
        .uri(head.uri.path_and_query().map_or("/", |target| target.as_str()))
        .body(body)?;
    for (name, value) in head.headers.iter().filter(|(name, _)| keep(name.as_str())) {
        request
            .headers_mut()
            .append(HeaderName::from_bytes(name.as_str().as_bytes())?, HeaderValue::from_bytes(value.as_bytes())?);
    }
    Ok(request)
}

pub(crate) fn answer(answer: Response<Bytes>) -> HttpResponse {
    let (parts, body) = answer.into_parts();
    // The engine accepts a websocket handshake by its key alone. One that reached the polling
    // route did not come as an upgrade, so there is no stream to switch.
    if parts.status == http::StatusCode::SWITCHING_PROTOCOLS {
        return HttpResponse::BadRequest().finish();
    }
    let status = StatusCode::from_u16(parts.status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut out = HttpResponse::build(status);
    for (name, value) in &parts.headers {
        // actix writes its own.
        if name != header::CONTENT_LENGTH && name != header::CONNECTION {
            out.append_header((name.as_str(), value.as_bytes()));
        }
    }
    out.body(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wanted_headers_are_kept() {
        let (from, _) = actix_web::test::TestRequest::with_uri("/socket.io/?a=b")
            .insert_header(("authorization", "Bearer x"))
            .insert_header(("cookie", "y"))
            .to_request()
            .into_parts();
        let request = request(&from, (), |name| name == "authorization");
        let Ok(request) = request else { panic!("a plain request was refused") };
        assert_eq!(request.uri(), "/socket.io/?a=b");
        assert_eq!(request.headers().len(), 1);
    }

    #[test]
    fn a_switch_that_nobody_asked_for_becomes_a_refusal() {
        let mut spurious = Response::new(Bytes::new());
        *spurious.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
        assert_eq!(answer(spurious).status(), StatusCode::BAD_REQUEST);
    }
}
