//! The names of what clients may send (CONTRACT 4): closed, and the same on every wire.

macro_rules! names {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal;)*) => {
        /// The name of an event that a client sends.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ClientEvent {
            $($(#[doc = $doc])* $name,)*
        }

        impl ClientEvent {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The one that goes by this name.
            #[must_use]
            pub fn named(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The name on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// What it asks for, for people.
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),*),)*
                }
            }
        }
    };
}

names! {
    /// Enter the room of one's own connections, in which one is already.
    JoinUserRoom = "join-user-room";
    /// Enter one's own room as a seller, and that of all sellers.
    JoinSellerRoom = "join-seller-room";
    /// Leave them.
    LeaveSellerRoom = "leave-seller-room";
    /// Enter one's own room as a buyer, and that of all buyers.
    JoinBuyerRoom = "join-buyer-room";
    /// Leave them.
    LeaveBuyerRoom = "leave-buyer-room";
    /// Follow a purchase request: its buyer, its accepted seller, administrators.
    JoinRequestRoom = "join-request-room";
    /// Follow it no more.
    LeaveRequestRoom = "leave-request-room";
    /// Follow a chat: its two people.
    JoinChatRoom = "join-chat-room";
    /// Follow it no more.
    LeaveChatRoom = "leave-chat-room";
    /// Enter a room by its name, such as a topic.
    Join = "join";
    /// Leave it.
    Leave = "leave";
    /// Go on with a newer token.
    Authenticate = "authenticate";
    /// Say that notifications have arrived.
    NotificationAck = "notification:ack";
    /// Tell the other that one is writing.
    ChatTyping = "chat:typing";
    /// Tell the other that one is writing no more.
    ChatStoppedTyping = "chat:stopped-typing";
    /// Hear when these users come and go.
    PresenceSubscribe = "presence:subscribe";
    /// Hear of these no more, or of nobody.
    PresenceUnsubscribe = "presence:unsubscribe";
    /// Say back what comes with it: how long the way to the server and back takes.
    Echo = "echo";
}
