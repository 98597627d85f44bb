//! JSON Schema, in the dialect that AsyncAPI has: draft 7, with what is named under `components`.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

/// Where named schemas lie.
pub(super) const NAMED: &str = "#/components/schemas/";

/// What makes schemas of types, as they are encoded.
pub(super) fn generator() -> SchemaGenerator {
    let settings = SchemaSettings::draft07().for_serialize();
    let mut of = settings.with(|settings| settings.definitions_path = "/components/schemas".into()).into_generator();
    of.definitions_mut().insert("Stored".into(), stored());
    of
}

/// The schema of this type, or where it is.
pub(super) fn schema<T: JsonSchema>(of: &mut SchemaGenerator) -> Value {
    let mut schema = of.subschema_for::<T>();
    for transform in of.transforms_mut() {
        transform.transform(&mut schema);
    }
    let mut schema = schema.to_value();
    tidy(&mut schema);
    schema
}

/// What every stored event carries besides its own.
fn stored() -> Value {
    json!({
        "description": "What every stored event carries besides its own.",
        "type": "object",
        "properties": { "seq": seq() },
        "required": ["seq"],
    })
}

fn seq() -> Value {
    json!({
        "description": "Its place in the order: the cursor to come back with.",
        "type": "integer",
        "minimum": 1,
    })
}

/// This payload with its place in the order.
pub(super) fn with_seq(mut payload: Value) -> Value {
    if let Some(either) = payload.get_mut("oneOf").and_then(Value::as_array_mut) {
        for one in either {
            *one = with_seq(one.take());
        }
        return payload;
    }
    let Some(properties) = payload.get_mut("properties").and_then(Value::as_object_mut) else {
        return json!({ "allOf": [payload, { "$ref": format!("{NAMED}Stored") }] });
    };
    properties.insert("seq".into(), seq());
    if let Some(required) = payload.get_mut("required").and_then(Value::as_array_mut) {
        required.push("seq".into());
    } else {
        payload["required"] = json!(["seq"]);
    }
    payload
}

/// Takes out of a schema what only those who work on Herald understand, and what never is: a field that
/// may be left out is left out when there is nothing, and never `null`.
pub(super) fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            // A property may have that name too, and is an object then.
            if let Some(Value::String(text)) = members.get_mut("description") {
                *text = plain(text);
            }
            // How many bits a number has in Rust is nothing to clients.
            if members.get("format").and_then(Value::as_str).is_some_and(|format| format.contains("int")) {
                members.remove("format");
            }
            let needed = members.get("required").cloned().unwrap_or_default();
            if let Some(Value::Object(fields)) = members.get_mut("properties") {
                let is_needed = |field: &str| needed.as_array().is_some_and(|all| all.iter().any(|one| one == field));
                fields.iter_mut().filter(|(field, _)| !is_needed(field)).for_each(|(_, schema)| never_null(schema));
            }
            members.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

fn never_null(schema: &mut Value) {
    if let Some(Value::Array(words)) = schema.get_mut("type") {
        words.retain(|word| word != "null");
    }
    let Some(Value::Array(parts)) = schema.get_mut("anyOf") else { return };
    parts.retain(|part| part["type"] != "null");
    if let [only] = &mut parts[..] {
        *schema = only.take();
    }
}

/// Without `(CONTRACT 5)`, on one line.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.trim();
    while let Some((before, after)) = rest.split_once("(CONTRACT") {
        plain.push_str(before.trim_end());
        rest = after.split_once(')').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_goes_into_a_payload_of_its_own_and_beside_a_document() {
        let own = with_seq(json!({ "type": "object", "properties": { "id": {} }, "required": ["id"] }));
        assert_eq!(own["required"], json!(["id", "seq"]));
        let document = with_seq(json!({ "$ref": "#/components/schemas/Offer" }));
        assert_eq!(document["allOf"][1], json!({ "$ref": "#/components/schemas/Stored" }));
        let either = with_seq(json!({ "oneOf": [{ "type": "object", "properties": {} }] }));
        assert_eq!(either["oneOf"][0]["required"], json!(["seq"]));
    }

    #[test]
    fn what_may_be_left_out_is_never_null() {
        let maybe = json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] });
        let fields = json!({ "a": maybe, "b": maybe, "c": { "type": ["string", "null"] } });
        let mut schema = json!({ "properties": fields, "required": ["b"] });
        tidy(&mut schema);
        assert_eq!(schema["properties"], json!({ "a": { "type": "string" }, "b": maybe, "c": { "type": ["string"] } }));
    }

    #[test]
    fn descriptions_are_for_clients() {
        assert_eq!(plain(" A record went\n (CONTRACT 5, Echo).  Twice."), "A record went. Twice.");
    }
}
