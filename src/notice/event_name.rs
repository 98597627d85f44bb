//! The names of Herald's own events: the wire's catalogue, closed.

use std::{fmt, str::FromStr};

macro_rules! names {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal;)*) => {
        /// The name of an event that Herald sends.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum EventName {
            $($(#[doc = $doc])* $name,)*
            /// An event of somebody else's, sent through `POST /v1/publish` (CONTRACT 9).
            Published(Box<str>),
        }

        impl EventName {
            /// Herald's own names, which nobody else may publish.
            pub const OWN: &'static [&'static str] = &[$($text),*];

            /// The name on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Published(name) => name,
                }
            }

            /// What it says, for people.
            #[must_use]
            pub const fn summary(&self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),*),)*
                    Self::Published(_) => "An event of another back end.",
                }
            }
        }

        impl FromStr for EventName {
            type Err = std::convert::Infallible;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(match text {
                    $($text => Self::$name,)*
                    other => Self::Published(other.into()),
                })
            }
        }
    };
}

names! {
    /// First event on every connection (CONTRACT 3).
    Ready = "ready";
    /// A record came to be, or came into sight (CONTRACT 5).
    NewRecord = "NEW_RECORD";
    /// A record changed (CONTRACT 5).
    ChangedRecord = "CHANGED_RECORD";
    /// A record went, or went out of sight (CONTRACT 5).
    DeletedRecord = "DELETED_RECORD";
    /// The token ends in 60 s (CONTRACT 3).
    AuthExpiring = "auth_expiring";
    /// Something for one user's inbox (CONTRACT 6).
    NewNotification = "new_notification";
    /// What waited for the user, on connecting (CONTRACT 6).
    PendingNotifications = "pending_notifications";
    /// Something in the inbox was read or deleted (CONTRACT 6).
    NotificationRead = "notification:read";
    /// What the processor made of an upload (CONTRACT 7).
    IncomingData = "incoming data";
    /// A buyer asks for something (CONTRACT 8).
    RequestCreated = "request:created";
    /// A purchase request moved (CONTRACT 8).
    RequestStatusUpdated = "request:status-updated";
    /// A seller made an offer (CONTRACT 8).
    RequestOfferReceived = "request:offer-received";
    /// The two sides of an offer negotiate (CONTRACT 8).
    OfferNegotiationUpdate = "offer:negotiation-update";
    /// The buyer took an offer (CONTRACT 8).
    OfferAccepted = "offer:accepted";
    /// Somebody wrote in a chat (CONTRACT 8).
    ChatNewMessage = "chat:new-message";
    /// A message was read (CONTRACT 8).
    ChatMessageRead = "chat:message-read";
    /// Somebody is writing; live only (CONTRACT 8).
    ChatTyping = "chat:typing";
    /// Somebody is writing no more; live only (CONTRACT 8).
    ChatStoppedTyping = "chat:stopped-typing";
    /// A buyer is about to pay (CONTRACT 8).
    PaymentCreated = "payment:created";
    /// The payment provider told how far a payment is (CONTRACT 8).
    PaymentStatusUpdated = "payment:status-updated";
    /// The money is there (CONTRACT 8).
    PaymentCompleted = "payment:completed";
    /// A seller is about to be paid (CONTRACT 8).
    PayoutCreated = "payout:created";
    /// A seller was paid (CONTRACT 8).
    PayoutCompleted = "payout:completed";
    /// A party of a request disputes it (CONTRACT 8).
    DisputeOpened = "dispute:opened";
    /// Something was said in a dispute (CONTRACT 8).
    DisputeEvidenceAdded = "dispute:evidence-added";
    /// An administrator decided a dispute (CONTRACT 8).
    DisputeResolved = "dispute:resolved";
    /// Herald's operators tell everybody something (CONTRACT 8).
    SystemAnnouncement = "system:announcement";
    /// Herald will be away for a while (CONTRACT 8).
    SystemMaintenance = "system:maintenance";
    /// Whether a user whom one watches is there; live only (CONTRACT 9).
    Presence = "presence";
    /// Only an effect on rooms; never on the wire.
    Silent = "herald:silent";
}

impl EventName {
    /// The alias of `new_notification` (CONTRACT 6).
    pub const RECEIVED: &'static str = "notification:received";

    /// Other names under which the same event follows directly, with the same `seq` (CONTRACT 3).
    #[must_use]
    pub const fn aliases(&self) -> &'static [&'static str] {
        match self {
            Self::NewNotification => &[Self::RECEIVED],
            _ => &[],
        }
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
