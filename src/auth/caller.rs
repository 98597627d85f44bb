//! The caller of a request: `Authorization: Bearer …`, checked.

use super::Auth;
use crate::{error::Error, identity::Identity};
use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{AUTHORIZATION, HeaderMap},
    web::Data,
};
use futures_util::future::{FutureExt as _, LocalBoxFuture};
use std::ops::Deref;

/// The authenticated caller of a request; a handler that takes one answers 401 to anybody else.
#[derive(Debug, Clone)]
pub struct Caller(pub Identity);

impl Deref for Caller {
    type Target = Identity;
    fn deref(&self) -> &Identity {
        &self.0
    }
}

/// The token of an `Authorization: Bearer …` header. `None` when there is no such header, or more
/// than one: then nobody knows which to believe.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.trim().split_once(' ')?;
    (scheme.eq_ignore_ascii_case("Bearer")).then(|| token.trim())
}

impl FromRequest for Caller {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let auth = request.app_data::<Data<Auth>>().cloned();
        let token = bearer(request.headers()).map(str::to_owned);
        async move {
            let auth = auth.ok_or_else(|| Error::internal("no Auth in the app's data"))?;
            let token = token.ok_or(Error::Unauthorized)?;
            auth.identify(&token).await.map(Self)
        }
        .boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn a_bearer_token_is_taken_from_the_only_authorization_header() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer(&headers), None);
        headers.append(AUTHORIZATION, HeaderValue::from_static("bearer abc"));
        assert_eq!(bearer(&headers), Some("abc"));
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer def"));
        assert_eq!(bearer(&headers), None);
    }
}
