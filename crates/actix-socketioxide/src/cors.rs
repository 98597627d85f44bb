//! CORS of the polling transport. Websockets know none: there the `Origin` check is all.

use crate::origins::Verdict;
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderMap, HeaderValue},
};

/// How long a browser may remember a preflight's answer, in seconds.
const PREFLIGHT_AGE: &str = "600";

/// Adds what lets the page read the answer.
pub(crate) fn allow(verdict: Verdict, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    match (verdict, origin) {
        (Verdict::Known, Some(origin)) => {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        // Echoing any origin together with credentials would let every page act as its visitor.
        (Verdict::Any, _) => {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
        _ => {}
    }
}

pub(crate) fn preflight(request: &HttpRequest) -> HttpResponse {
    let mut answer = HttpResponse::NoContent();
    answer.insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"));
    answer.insert_header((header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE));
    if let Some(wanted) = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone()));
    }
    answer.finish()
}
