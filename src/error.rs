//! Everything that can go wrong for a caller, with its HTTP status and its stable code.
//! CONTRACT 1, Errors; the body is a problem document of RFC 9457.

use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError, http::StatusCode, http::header};
use diesel::result::{DatabaseErrorKind, Error as Diesel};
use schemars::JsonSchema;
use serde::Serialize;
use std::borrow::Cow;

/// Shorthand for what most of Herald returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller did wrong, or what befell the server. Each line begins with the status.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 400: the body is no JSON, or a parameter of the address can't be read.
    #[error("{0}")]
    Malformed(Cow<'static, str>),
    /// 401: no token, or one that does not hold.
    #[error("authentication is required")]
    Unauthorized,
    /// 401: the token was good once.
    #[error("the token has expired")]
    TokenExpired,
    /// 403: the caller sees it but may not do this.
    #[error("{0}")]
    Forbidden(Cow<'static, str>),
    /// 404: there is none, or none that the caller may see.
    #[error("not found")]
    NotFound,
    /// 405: the path is there, but not for this method.
    #[error("this method is not allowed here")]
    MethodNotAllowed,
    /// 409: the record's state does not allow it.
    #[error("cannot go from {from} to {to}")]
    InvalidTransition {
        /// The state it is in.
        from: &'static str,
        /// The state that was asked for.
        to: &'static str,
    },
    /// 409: it contradicts what is there.
    #[error("{0}")]
    Conflict(Cow<'static, str>),
    /// 412: the record has moved on since the caller read it.
    #[error("the record has version {0} now")]
    PreconditionFailed(i64),
    /// 413: more bytes than are taken.
    #[error("the body is larger than {0} bytes")]
    PayloadTooLarge(usize),
    /// 415: not a media type that this route reads.
    #[error("the body has to be {0}")]
    UnsupportedMediaType(&'static str),
    /// 422: understood, but not acceptable; each fault with its field.
    #[error("{}", summary(.0))]
    Invalid(Vec<Fault>),
    /// 422 on sockets: a limit of the connection is used up.
    #[error("{0}")]
    LimitExceeded(Cow<'static, str>),
    /// 429: too often; try again in so many seconds.
    #[error("too much at once; try again in {0} s")]
    RateLimited(u64),
    /// 503: something that Herald needs is away or overloaded for the moment.
    #[error("{0}")]
    Unavailable(Cow<'static, str>),
    /// 500: a fault of ours, logged where it happened and not shown.
    #[error("something went wrong on our side")]
    Internal,
}

/// One fault of one field of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fault {
    /// The field's name as the caller wrote it; dotted or indexed where it is nested.
    pub field: Cow<'static, str>,
    /// What is wrong with it.
    pub message: Cow<'static, str>,
}

/// The body of every refusal (RFC 9457), the error ack on sockets, and the `data` of
/// `connect_error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// Always `about:blank`: the code says which problem it is.
    pub r#type: &'static str,
    /// The status in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened, for people.
    pub detail: String,
    /// What happened, for programs; stable.
    pub code: &'static str,
    /// Faults of single fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
}

impl Error {
    /// 422 for one field.
    pub fn field(field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(vec![Fault { field: field.into(), message: message.into() }])
    }

    /// 403 with its reason.
    pub fn forbidden(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Forbidden(reason.into())
    }

    /// 500: logs the cause where it is known, shows none of it.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        log::error!("internal error: {cause}");
        Self::Internal
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::Invalid(_) => "invalid_request",
            Self::Unauthorized => "unauthorized",
            // On HTTP the contract knows one code for 401; sockets say `token_expired` themselves.
            Self::TokenExpired => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::InvalidTransition { .. } => "invalid_transition",
            Self::Conflict(_) => "conflict",
            Self::PreconditionFailed(_) => "precondition_failed",
            Self::PayloadTooLarge(_) => "payload_too_large",
            Self::UnsupportedMediaType(_) => "unsupported_media_type",
            Self::LimitExceeded(_) => "limit_exceeded",
            Self::RateLimited(_) => "rate_limited",
            Self::Unavailable(_) => "unavailable",
            Self::Internal => "internal",
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized | Self::TokenExpired => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::InvalidTransition { .. } | Self::Conflict(_) => StatusCode::CONFLICT,
            Self::PreconditionFailed(_) => StatusCode::PRECONDITION_FAILED,
            Self::PayloadTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) | Self::LimitExceeded(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The problem document.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let status = self.status();
        Problem {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: self.to_string(),
            code: self.code(),
            errors: match self {
                Self::Invalid(faults) => faults.clone(),
                _ => Vec::new(),
            },
        }
    }
}

fn summary(faults: &[Fault]) -> String {
    let list: Vec<_> = faults.iter().map(|f| format!("{}: {}", f.field, f.message)).collect();
    list.join("; ")
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer: HttpResponseBuilder = HttpResponse::build(self.status());
        match self {
            Self::Unauthorized => {
                answer.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            Self::TokenExpired => {
                answer.insert_header((header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""));
            }
            Self::RateLimited(seconds) => {
                answer.insert_header((header::RETRY_AFTER, seconds.to_string()));
            }
            _ => {}
        }
        answer.content_type("application/problem+json").body(serde_json::to_string(&self.problem()).unwrap_or_default())
    }
}

/// A missing row is 404, a taken unique value 409 with its field, a lost connection 503.
impl From<Diesel> for Error {
    fn from(error: Diesel) -> Self {
        match error {
            Diesel::NotFound => Self::NotFound,
            Diesel::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
                Self::Conflict(match taken(info.as_ref()) {
                    Some(field) => format!("this {field} is taken").into(),
                    None => "this exists already".into(),
                })
            }
            Diesel::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => {
                Self::Conflict("something else refers to it, or what it refers to is gone".into())
            }
            Diesel::DatabaseError(
                kind @ (DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::SerializationFailure),
                info,
            ) => {
                log::warn!("database unavailable ({kind:?}): {}", info.message());
                Self::Unavailable("the database is away".into())
            }
            // SQLite has no kind for these: another program holds the lock, or the disk is full.
            Diesel::DatabaseError(DatabaseErrorKind::Unknown, info)
                if ["database is locked", "database or disk is full"].contains(&info.message()) =>
            {
                log::warn!("database unavailable: {}", info.message());
                Self::Unavailable("the database is away".into())
            }
            other => Self::internal(other),
        }
    }
}

/// The column that a unique violation names: `users.email` on SQLite, `users_email_key` on PostgreSQL.
fn taken(info: &(dyn diesel::result::DatabaseErrorInformation + Send + Sync)) -> Option<String> {
    if let (Some(table), Some(name)) = (info.table_name(), info.constraint_name()) {
        let column = name.strip_prefix(table)?.strip_prefix('_')?;
        return Some(column.strip_suffix("_key").unwrap_or(column).to_owned());
    }
    let (_, columns) = info.message().split_once("failed: ")?;
    let (_, column) = columns.split(',').next()?.split_once('.')?;
    Some(column.to_owned())
}
