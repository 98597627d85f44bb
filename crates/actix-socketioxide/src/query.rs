//! The Engine.IO query of a request, and the refusals that the protocol knows.

use engineioxide::socket::Sid;

/// Why a request is refused, in Engine.IO's own terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    UnknownTransport,
    UnknownSession,
    BadHandshakeMethod,
    BadRequest,
    Forbidden,
    UnsupportedVersion,
}

impl Refusal {
    pub(crate) fn code(self) -> usize {
        match self {
            Self::UnknownTransport => 0,
            Self::UnknownSession => 1,
            Self::BadHandshakeMethod => 2,
            Self::BadRequest => 3,
            Self::Forbidden => 4,
            Self::UnsupportedVersion => 5,
        }
    }

    pub(crate) fn json(self) -> &'static str {
        match self {
            Self::UnknownTransport => r#"{"code":0,"message":"Transport unknown"}"#,
            Self::UnknownSession => r#"{"code":1,"message":"Session ID unknown"}"#,
            Self::BadHandshakeMethod => r#"{"code":2,"message":"Bad handshake method"}"#,
            Self::BadRequest => r#"{"code":3,"message":"Bad request"}"#,
            Self::Forbidden => r#"{"code":4,"message":"Forbidden"}"#,
            Self::UnsupportedVersion => r#"{"code":5,"message":"Unsupported protocol version"}"#,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Polling,
    Websocket,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) transport: Transport,
    pub(crate) sid: Option<Sid>,
}

impl Query {
    /// Stricter than the engine, which would open a session for some of what is refused here.
    pub(crate) fn parse(query: &str) -> Result<Self, Refusal> {
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let transport = match value("transport") {
            Some("polling") => Transport::Polling,
            Some("websocket") => Transport::Websocket,
            _ => return Err(Refusal::UnknownTransport),
        };
        if value("EIO") != Some("4") {
            return Err(Refusal::UnsupportedVersion);
        }
        let sid = value("sid").map(|sid| sid.parse().map_err(|_| Refusal::UnknownSession)).transpose()?;
        Ok(Self { transport, sid })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complete_query_is_understood() {
        let query = Query::parse("EIO=4&transport=websocket&sid=AA9AAA0AAzAAAAHs&t=x");
        assert_eq!(query.map(|query| query.transport), Ok(Transport::Websocket));
        assert!(query.is_ok_and(|query| query.sid.is_some()));
    }

    #[test]
    fn each_mistake_has_its_own_refusal() {
        assert_eq!(Query::parse(""), Err(Refusal::UnknownTransport));
        assert_eq!(Query::parse("EIO=4&transport=grpc"), Err(Refusal::UnknownTransport));
        assert_eq!(Query::parse("EIO=3&transport=polling"), Err(Refusal::UnsupportedVersion));
        assert_eq!(Query::parse("transport=polling"), Err(Refusal::UnsupportedVersion));
        assert_eq!(Query::parse("EIO=4&transport=polling&sid=x"), Err(Refusal::UnknownSession));
    }
}
