//! Which event a payload belongs to, said by its type.

use super::EventName;
use schemars::JsonSchema;
use serde::Serialize;

/// The payload of one event. Its schema is derived from the very type that is encoded, and the event is
/// told by naming that type, so what is written about an event (`catalogue`) is what goes out.
pub trait Payload: Serialize + JsonSchema {
    /// The event.
    const EVENT: EventName;
}

/// Says which types are the payloads of which events: `payload_of! { OfferAccepted: OfferAccepted }`.
#[macro_export]
macro_rules! payload_of {
    ($($event:ident: $type:ty),* $(,)?) => { $(
        impl $crate::notice::Payload for $type {
            const EVENT: $crate::notice::EventName = $crate::notice::EventName::$event;
        }
    )* };
}
