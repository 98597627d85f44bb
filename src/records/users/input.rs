//! What makes a user and what changes one.

use crate::{
    auth::PASSWORD_MAX,
    error::Result,
    identity::Roles,
    records::{Faults, given},
    secret::Secret,
};
use serde::Deserialize;

/// Shortest password that is taken, in characters (NIST SP 800-63B).
const PASSWORD_MIN: usize = 8;
/// Longest e-mail address (RFC 5321, less the angle brackets).
const EMAIL_MAX: usize = 254;

/// The body of `POST /v1/auth/register`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Register {
    /// The e-mail address to log in with.
    pub email: String,
    /// The password.
    pub password: Secret,
    /// The given name.
    pub first_name: String,
    /// The family name; not everybody has one.
    #[serde(default)]
    pub last_name: String,
}

/// What changes a user: each half has its route.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Patch {
    /// By the user: `PUT /v1/users/{id}`.
    Own(Own),
    /// By administrators: `PUT /v1/admin/users/{id}`.
    Standing(Standing),
}

/// Names and preferences.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Own {
    #[serde(deserialize_with = "given")]
    pub(super) first_name: Option<String>,
    #[serde(deserialize_with = "given")]
    pub(super) last_name: Option<String>,
    #[serde(deserialize_with = "given")]
    pub(super) notify_admin_on_review_request: Option<bool>,
    #[serde(deserialize_with = "given")]
    pub(super) notify_on_event_update: Option<bool>,
    #[serde(deserialize_with = "given")]
    pub(super) notify_by_email: Option<bool>,
}

/// What somebody may be, and whether at all.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Standing {
    #[serde(deserialize_with = "given")]
    pub(super) roles: Option<Roles>,
    #[serde(deserialize_with = "given")]
    pub(super) disabled: Option<bool>,
}

impl Register {
    /// Checks all of it before anything costs time; the password, to be hashed.
    ///
    /// # Errors
    /// 422 with all faults.
    pub fn checked(&self) -> Result<Secret> {
        let mut faults = Faults::default();
        faults.check("email", is_email(self.email.trim()), "has to be an e-mail address");
        let text = self.password.expose();
        let fits = text.chars().count() >= PASSWORD_MIN && text.len() <= PASSWORD_MAX;
        let least = format!("has to be {PASSWORD_MIN} characters or more, and at most {PASSWORD_MAX} bytes");
        faults.check("password", fits, least);
        names(&mut faults, &self.first_name, &self.last_name);
        faults.or(self.password.clone())
    }
}

/// Not everybody has two.
pub(super) fn names(faults: &mut Faults, first: &str, last: &str) {
    faults.text("firstName", first, 1..=200);
    faults.text("lastName", last, 0..=200);
}

/// One `@` with something on both sides, nothing invisible. More is known only by writing to it.
fn is_email(text: &str) -> bool {
    let plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    let parts = text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && !host.contains('@') && !host.starts_with('.') && !host.ends_with('.')
    });
    plain && parts && text.len() <= EMAIL_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_address_has_two_sides_and_no_blanks() {
        for good in ["ann@example.com", "a.b+c@mail.example.org", "ann@localhost", "jürgen@müller.example"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["", "ann", "@example.com", "ann@", "a b@example.com", "a@b@c", "a@.com", "a@com.", "a\n@b"] {
            assert!(!is_email(bad), "{bad}");
        }
        assert!(!is_email(&format!("{}@example.com", "a".repeat(EMAIL_MAX))));
    }
}
