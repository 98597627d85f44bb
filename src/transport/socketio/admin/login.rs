//! What an administrator says to be let in: a token, as on `/`; or, as the official Admin UI does, an
//! address and a password, or the session that it was given for them. Pure.

use crate::{
    error::{Error, Result},
    secret::Secret,
    transport::handshake::one_token,
};
use serde_json::Value;

/// Longest text of each kind that is looked at.
const TEXT_MAX: usize = 8 * 1024;
/// The user's name under which the Admin UI is given a token for a password.
const TOKEN: &str = "token";

/// Whose words the client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Herald's own: `connections`.
    Herald,
    /// The Admin UI's: `all_sockets`, `socket_connected`, `room_joined` and so on.
    AdminUi,
}

/// What is shown.
#[derive(Debug, Clone)]
pub enum Shown {
    /// An access token.
    Token(String),
    /// An e-mail address and a password.
    Password(String, Secret),
}

/// The dialect of `auth`: the Admin UI always names a user or a session.
pub fn dialect(auth: &Value) -> Dialect {
    let named = ["username", "sessionId"].iter().any(|field| auth.get(field).is_some());
    if named { Dialect::AdminUi } else { Dialect::Herald }
}

/// What somebody shows in `auth`, or in the `Authorization` header.
///
/// # Errors
/// 401 for nothing, for what is no text, and for two different tokens.
pub fn shown(auth: &Value, header: Option<&str>) -> Result<Shown> {
    let field = |name: &str| match auth.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() <= TEXT_MAX => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(Error::Unauthorized),
    };
    if let (Some(name), Some(password)) = (field("username")?, field("password")?) {
        return Ok(match name {
            TOKEN => Shown::Token(password.to_owned()),
            email => Shown::Password(email.to_owned(), Secret::new(password)),
        });
    }
    let said = field("sessionId")?.or(field("token")?);
    one_token(said, header).map(|token| Shown::Token(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn token(shown: Result<Shown>) -> String {
        match shown {
            Ok(Shown::Token(token)) => token,
            other => panic!("no token: {other:?}"),
        }
    }

    #[test]
    fn a_token_is_taken_as_on_the_other_namespace() {
        assert_eq!(token(shown(&json!({ "token": "t" }), None)), "t");
        assert_eq!(token(shown(&Value::Null, Some("h"))), "h");
        assert!(shown(&json!({ "token": "t" }), Some("h")).is_err());
        assert_eq!(dialect(&json!({ "token": "t" })), Dialect::Herald);
    }

    #[test]
    fn the_admin_ui_says_a_password_a_token_or_its_session() {
        let password = json!({ "username": "root@example.com", "password": "p" });
        assert!(matches!(shown(&password, None), Ok(Shown::Password(email, _)) if email == "root@example.com"));
        assert_eq!(token(shown(&json!({ "username": "token", "password": "t" }), None)), "t");
        assert_eq!(token(shown(&json!({ "sessionId": "s" }), None)), "s");
        for auth in [password, json!({ "sessionId": null }), json!({ "username": "", "password": "" })] {
            assert_eq!(dialect(&auth), Dialect::AdminUi);
        }
    }

    #[test]
    fn nothing_and_junk_let_nobody_in() {
        for auth in [
            json!({ "username": "root@example.com" }),
            json!({ "username": "", "password": "" }),
            json!({ "sessionId": null }),
            json!({ "sessionId": 7 }),
            json!({ "username": ["x"], "password": "y" }),
            json!({ "token": "x".repeat(TEXT_MAX + 1) }),
            json!("junk"),
        ] {
            assert!(shown(&auth, None).is_err(), "{auth}");
        }
    }
}
