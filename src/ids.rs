//! Ids as types of their own, so that a user's id can't be passed where a group's is meant.
//!
//! Every id is a UUID kept as its canonical lower-case text (36 ASCII bytes): the form in which it
//! travels in JSON, stands in room names and lies in both databases. CONTRACT 1: ids are UUID v7.

use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    serialize::{self, Output, ToSql},
    sql_types::Text,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// Text that is not a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID")]
pub struct NotAnId;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, AsExpression, FromSqlRow)]
        #[diesel(sql_type = Text)]
        pub struct $name([u8; 36]);

        impl $name {
            /// A new, time-ordered id (UUID v7).
            #[must_use]
            pub fn generate() -> Self {
                Self::from(Uuid::now_v7())
            }

            /// The canonical text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                // Only ever filled by `hyphenated().encode_lower`, which writes ASCII.
                std::str::from_utf8(&self.0).unwrap_or_default()
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                let mut text = [0; 36];
                uuid.hyphenated().encode_lower(&mut text);
                Self(text)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                // Only the hyphenated form: a room has one name.
                if text.len() != 36 {
                    return Err(NotAnId);
                }
                Uuid::try_parse(text).map(Self::from).map_err(|_| NotAnId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(from)?;
                text.parse().map_err(|_| de::Error::custom("not a UUID"))
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                "Uuid".into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "description": "An id: a UUID, v7.", "type": "string", "format": "uuid" })
            }
        }

        impl<DB: Backend> ToSql<Text, DB> for $name
        where
            str: ToSql<Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                self.as_str().to_sql(out)
            }
        }

        impl<DB: Backend> FromSql<Text, DB> for $name
        where
            String: FromSql<Text, DB>,
        {
            fn from_sql(raw: DB::RawValue<'_>) -> deserialize::Result<Self> {
                Ok(String::from_sql(raw)?.parse()?)
            }
        }
    )* };
}

id! {
    /// A person: the `sub` of a token, the id of a `USER` record.
    UserId;
    /// A calendar event.
    EventId;
    /// A group that shares drafts of events.
    GroupId;
    /// A department.
    DepartmentId;
    /// A background job.
    JobId;
    /// A purchase request of the marketplace.
    RequestId;
    /// A seller's offer for a purchase request.
    OfferId;
    /// A chat of the marketplace.
    ChatId;
    /// A message in a chat.
    MessageId;
    /// A payment for an accepted offer.
    PaymentId;
    /// What a seller gets of a payment.
    PayoutId;
    /// A dispute about a purchase request.
    DisputeId;
    /// Something said in a dispute.
    EvidenceId;
    /// A notification in somebody's inbox.
    NotificationId;
    /// An administrator's message to many, while it is put into their inboxes.
    BroadcastId;
    /// A file on its way to the processor.
    UploadId;
    /// A key of another back end.
    ApiKeyId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_wrote_and_has_one_spelling() {
        let id = UserId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
    }

    #[test]
    fn anything_but_a_hyphenated_uuid_is_refused() {
        for text in ["", "all", "0190a5b2c3d47e8f9a0b1c2d3e4f5a6b", "{0190a5b2-c3d4-7e8f-9a0b-1c2d3e4f5a6b}"] {
            assert_eq!(text.parse::<UserId>(), Err(NotAnId), "{text}");
        }
    }
}
