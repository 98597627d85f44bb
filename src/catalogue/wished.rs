//! What clients may send: each event with the forms of its data, and how it is acknowledged.
//!
//! The forms are written down here and read by `transport::commands`; the test below has that read what
//! is written.

use super::{
    Wished,
    schemas::{plain, schema},
};
use crate::{
    error::Problem,
    ids::UserId,
    notice::Room,
    transport::{ClientEvent, Echoed, Moved, Settled, Watching},
};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

/// What is asked for by this event.
pub(super) fn wished(event: ClientEvent, of: &mut SchemaGenerator) -> Wished {
    use ClientEvent as C;
    schema::<Problem>(of);
    let data = match event {
        C::JoinUserRoom
        | C::JoinSellerRoom
        | C::LeaveSellerRoom
        | C::JoinBuyerRoom
        | C::LeaveBuyerRoom
        | C::JoinRequestRoom
        | C::LeaveRequestRoom
        | C::JoinChatRoom
        | C::LeaveChatRoom => alone_or_named("id", schema::<UserId>(of)),
        C::Join | C::Leave => alone_or_named("room", schema::<Room>(of)),
        C::Authenticate => alone_or_named("token", json!({ "type": "string" })),
        C::NotificationAck => alone_or_named("ids", schema::<Vec<UserId>>(of)),
        C::ChatTyping | C::ChatStoppedTyping => alone_or_named("chatId", schema::<UserId>(of)),
        C::PresenceSubscribe => alone_or_named("userIds", schema::<Vec<UserId>>(of)),
        C::PresenceUnsubscribe => or_nothing(alone_or_named("userIds", schema::<Vec<UserId>>(of))),
        // Anything; AsyncAPI takes no schema that is `true` here.
        C::Echo => json!({}),
    };
    let answer = match event {
        C::JoinUserRoom
        | C::JoinSellerRoom
        | C::LeaveSellerRoom
        | C::JoinBuyerRoom
        | C::LeaveBuyerRoom
        | C::JoinRequestRoom
        | C::LeaveRequestRoom
        | C::JoinChatRoom
        | C::LeaveChatRoom
        | C::Join
        | C::Leave => named::<Moved<'_>>(of),
        C::Authenticate | C::NotificationAck | C::ChatTyping | C::ChatStoppedTyping | C::PresenceUnsubscribe => {
            named::<Settled>(of)
        }
        C::PresenceSubscribe => named::<Watching<'_>>(of),
        C::Echo => named::<Echoed<'_>>(of),
    };
    Wished {
        event: event.as_str(),
        summary: plain(event.summary()),
        data,
        answer,
        often_unheard: matches!(event, C::ChatTyping | C::ChatStoppedTyping),
    }
}

/// `x`, or `{field: x}`.
fn alone_or_named(field: &str, schema: Value) -> Value {
    let object = json!({ "type": "object", "properties": { field: schema.clone() }, "required": [field] });
    json!({ "anyOf": [object, schema] })
}

/// The same, or nothing at all.
fn or_nothing(mut schema: Value) -> Value {
    if let Some(forms) = schema["anyOf"].as_array_mut() {
        forms.push(json!({ "type": "null" }));
    }
    schema
}

/// Sees to it that this schema is listed; its name.
fn named<T: JsonSchema>(of: &mut SchemaGenerator) -> String {
    schema::<T>(of);
    T::schema_name().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalogue::schemas::generator, transport::Command};

    /// Something that the schema describes.
    fn sample(schema: &Value, key: &str) -> Value {
        match (schema["type"].as_str(), key) {
            (Some("object"), _) => schema["properties"]
                .as_object()
                .expect("properties")
                .iter()
                .map(|(name, schema)| (name.clone(), sample(schema, name)))
                .collect(),
            (Some("array"), _) => json!([sample(&schema["items"], key)]),
            (None, "id" | "ids" | "chatId" | "userIds") => json!(UserId::generate()),
            (None, "room") => json!("topic-a"),
            (Some("string"), "token") => json!("a.b.c"),
            _ => panic!("no sample of {schema} for {key}"),
        }
    }

    #[test]
    fn every_form_that_is_written_down_is_read() {
        for event in ClientEvent::ALL {
            let Wished { data, .. } = wished(*event, &mut generator());
            if *event == ClientEvent::Echo {
                continue; // Whatever it is.
            }
            let [object, alone, ..] = &data["anyOf"].as_array().expect("two forms")[..] else { panic!("{data}") };
            let field = object["required"][0].as_str().expect("a field");
            for (form, key) in [(object, ""), (alone, field)] {
                let data = sample(form, key);
                Command::read(event.as_str(), &data).unwrap_or_else(|error| panic!("{event:?} {data}: {error:?}"));
            }
        }
    }
}
