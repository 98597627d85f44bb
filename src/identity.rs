//! Who a token says somebody is: plain values, checked elsewhere (`auth`), used everywhere.

use crate::ids::UserId;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, str::FromStr};

/// What a user may be (CONTRACT 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Role {
    /// Every registered person.
    User,
    /// Sees and decides everything that is under review.
    Admin,
    /// Answers purchase requests.
    Seller,
    /// Makes purchase requests.
    Buyer,
}

impl Role {
    /// All roles, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::User, Self::Admin, Self::Seller, Self::Buyer];

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of roles; travels as a JSON array of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Role>", into = "Vec<Role>")]
pub struct Roles(u8);

impl Roles {
    /// Whether the set holds this role.
    #[must_use]
    pub const fn has(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// What both sets hold: a token can only narrow what the record says.
    #[must_use]
    pub const fn narrowed_to(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The roles held, in the order of [`Role::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.has(*role))
    }
}

impl JsonSchema for Roles {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Roles".into()
    }

    fn json_schema(of: &mut SchemaGenerator) -> Schema {
        Vec::<Role>::json_schema(of)
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().fold(0, |set, role| set | role.bit()))
    }
}

impl From<Vec<Role>> for Roles {
    fn from(roles: Vec<Role>) -> Self {
        roles.into_iter().collect()
    }
}

impl From<Roles> for Vec<Role> {
    fn from(roles: Roles) -> Self {
        roles.iter().collect()
    }
}

/// A login session: the `sid` of a token. Free text of another issuer's making, hence bounded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sid(Box<str>);

/// A `sid` that is empty, longer than 64 bytes, or not plain visible ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sid is 1 to 64 visible ASCII characters")]
pub struct BadSid;

impl Sid {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Sid {
    type Err = BadSid;
    fn from_str(text: &str) -> Result<Self, BadSid> {
        if text.is_empty() || text.len() > 64 || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(BadSid);
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for Sid {
    type Error = BadSid;
    fn try_from(text: String) -> Result<Self, BadSid> {
        text.parse()
    }
}

impl From<Sid> for String {
    fn from(sid: Sid) -> Self {
        sid.0.into()
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who is calling, after the token was checked and narrowed by the user's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// The login session that the token belongs to.
    pub sid: Sid,
    /// What the user may be now: the token's roles narrowed by the record's.
    pub roles: Roles,
    /// What the token alone says; live connections narrow it anew when the record changes.
    pub token_roles: Roles,
    /// When the token ends, in seconds since 1970 (UTC).
    pub expires_at: i64,
    /// Topics that the token allows: exact names, or prefixes that end in `*`.
    pub topics: Vec<String>,
}

impl Identity {
    /// Whether the caller is an administrator.
    #[must_use]
    pub const fn is_admin(&self) -> bool {
        self.roles.has(Role::Admin)
    }

    /// Whether the token allows this topic.
    #[must_use]
    pub fn may_follow(&self, topic: &str) -> bool {
        matches_any(&self.topics, topic)
    }
}

/// Whether one of these is the name itself, or a prefix of it that ends in `*`.
#[must_use]
pub fn matches_any(allowed: &[String], name: &str) -> bool {
    allowed.iter().any(|allowed| match allowed.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => allowed == name,
    })
}
