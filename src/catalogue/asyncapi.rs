//! The AsyncAPI document (version 3.0): Herald is the application, so it *sends* what clients hear and
//! *receives* what they ask for.

use super::{Catalogue, Sent, Wished, schemas::NAMED, title};
use serde_json::{Map, Value, json};

const ABOUT: &str = "One ordered sequence of notices for Socket.IO, WebSocket (`/ws`) and SSE (`/v1/stream`) clients. On all of \
them an event has the same name and the same payload; `docs/protocol.md` says how to connect and to resume. `x-stored` says whether an event has a place in the order \
(`seq`) and is told again after a cursor, `x-rooms` to which rooms it goes.";

impl Catalogue {
    /// The document, as it is kept in `docs/`.
    ///
    /// # Errors
    /// Never: names and texts always encode.
    pub fn asyncapi_text(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&self.asyncapi()).map(|text| text + "\n")
    }

    /// The document.
    #[must_use]
    pub fn asyncapi(&self) -> Value {
        let mut messages = Map::new();
        let mut operations = Map::new();
        for sent in &self.sent {
            messages.insert(title(sent.event), told(sent));
        }
        for wished in &self.wished {
            let (asks, answers) = (asks(wished), answers(wished));
            messages.insert(asks.clone(), asked(wished));
            messages.insert(answers.clone(), answered(wished));
            let operation = json!({
                "action": "receive",
                "channel": { "$ref": "#/channels/events" },
                "summary": wished.summary,
                "messages": [on_channel(&asks)],
                "reply": { "channel": { "$ref": "#/channels/events" }, "messages": [on_channel(&answers)] },
            });
            operations.insert(format!("on{asks}"), operation);
        }
        let told: Vec<_> = self.sent.iter().map(|sent| on_channel(&title(sent.event))).collect();
        operations.insert(
            "tell".into(),
            json!({ "action": "send", "channel": { "$ref": "#/channels/events" }, "messages": told }),
        );
        let listed = |names: &mut dyn Iterator<Item = &String>| -> Map<String, Value> {
            names.map(|name| (name.clone(), json!({ "$ref": format!("#/components/messages/{name}") }))).collect()
        };
        let everywhere = listed(&mut messages.keys());
        let mut of_admins = Map::new();
        for sent in &self.administration {
            let message = json!({ "name": sent.event, "summary": sent.summary, "payload": sent.payload });
            of_admins.insert(format!("Admin{}", title(sent.event)), message);
        }
        let there = listed(&mut of_admins.keys());
        let told_there: Vec<_> =
            there.keys().map(|name| json!({ "$ref": format!("#/channels/admin/messages/{name}") })).collect();
        operations.insert(
            "tellAdministrators".into(),
            json!({ "action": "send", "channel": { "$ref": "#/channels/admin" }, "messages": told_there }),
        );
        messages.extend(of_admins);
        json!({
            "asyncapi": "3.0.0",
            "info": {
                "title": "Herald",
                "version": env!("CARGO_PKG_VERSION"),
                "description": ABOUT,
                "license": { "name": "MIT OR Apache-2.0" },
            },
            "defaultContentType": "application/json",
            "channels": {
                "events": {
                    "address": "/",
                    "title": "The namespace `/` of Socket.IO, `/ws` and `/v1/stream`",
                    "messages": everywhere,
                },
                "admin": {
                    "address": "/admin",
                    "title": "The namespace `/admin` of Socket.IO, for administrators; `authenticate` is understood there as well",
                    "messages": there,
                },
            },
            "operations": operations,
            "components": { "messages": messages, "schemas": self.schemas },
        })
    }
}

/// The name of the message that asks; the event may have the name of one that is told (`chat:typing`).
fn asks(wished: &Wished) -> String {
    format!("Ask{}", title(wished.event))
}

fn answers(wished: &Wished) -> String {
    format!("Answer{}", title(wished.event))
}

fn on_channel(message: &str) -> Value {
    json!({ "$ref": format!("#/channels/events/messages/{message}") })
}

fn told(sent: &Sent) -> Value {
    let mut message = json!({
        "name": sent.event,
        "summary": sent.summary,
        "payload": sent.payload,
        "x-stored": sent.stored,
    });
    if !sent.rooms.is_empty() {
        message["x-rooms"] = json!(sent.rooms);
    }
    message
}

fn asked(wished: &Wished) -> Value {
    json!({ "name": wished.event, "summary": wished.summary, "payload": wished.data })
}

fn answered(wished: &Wished) -> Value {
    let either = [wished.answer.as_str(), "Problem"].map(|name| json!({ "$ref": format!("{NAMED}{name}") }));
    json!({
        "name": wished.event,
        "summary": format!("The acknowledgement of `{}`.", wished.event),
        "payload": { "oneOf": either },
    })
}
