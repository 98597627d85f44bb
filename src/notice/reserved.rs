//! Names under which nobody but Herald sends (CONTRACT 9): whoever hears one of them must be able to
//! rely on who said it. Compared letter by letter.

use super::EventName;

/// Names of Herald's own that are not (or not only) in [`EventName::OWN`]: aliases, what goes out
/// beside the order of notices, and what clients send (CONTRACT 3, 4, 8, 9).
pub const RESERVED: &[&str] = &[
    EventName::RECEIVED,
    // What Herald answers on `/ws` to text that it can't read.
    "error",
    "server_stats",
    "connections",
    // The marketplace.
    "request:created",
    "request:status-updated",
    "request:offer-received",
    "offer:negotiation-update",
    "offer:accepted",
    "chat:new-message",
    "chat:message-read",
    "chat:typing",
    "chat:stopped-typing",
    "payment:created",
    "payment:status-updated",
    "payment:completed",
    "payout:created",
    "payout:completed",
    "dispute:opened",
    "dispute:evidence-added",
    "dispute:resolved",
    "system:announcement",
    "system:maintenance",
    // What clients send.
    "join-user-room",
    "join-request-room",
    "leave-request-room",
    "join-seller-room",
    "leave-seller-room",
    "join-buyer-room",
    "leave-buyer-room",
    "join-chat-room",
    "leave-chat-room",
    "join",
    "leave",
    "notification:ack",
    "authenticate",
    "presence:subscribe",
    "presence:unsubscribe",
    "echo",
];

/// What the clients' libraries say of the connection itself: Socket.IO's reserved events, and `open`
/// and `error` of an `EventSource`.
pub const OF_THE_CONNECTION: &[&str] =
    &["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener", "open"];

/// Whether nobody but Herald (or a client's library) sends under this name.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    // What never shows on a wire is stored under such names (`Silent`).
    name.starts_with("herald:")
        || [EventName::OWN, RESERVED, OF_THE_CONNECTION].iter().any(|names| names.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_herald_sends_is_reserved_under_every_name() {
        for name in EventName::OWN {
            assert!(is_reserved(name), "{name}");
            let Ok(event) = name.parse::<EventName>();
            assert!(event.aliases().iter().all(|alias| is_reserved(alias)), "{name}");
        }
    }

    #[test]
    fn other_names_are_free_also_those_that_look_alike() {
        for name in ["order:created", "new_record", "READY", "message", "readying", "herald", "Error", " ready"] {
            assert!(!is_reserved(name), "{name}");
        }
        assert!(is_reserved("herald:anything"));
    }
}
