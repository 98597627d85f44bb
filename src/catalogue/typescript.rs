//! TypeScript from JSON Schema: as much of it as Herald's schemas use, and nothing guessed.

use super::{Catalogue, schemas::NAMED, title};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// A schema that says something for which there is no TypeScript here: a fault of Herald's.
#[derive(Debug, thiserror::Error)]
#[error("no TypeScript is known for {0}")]
pub struct Unknown(String);

const HEAD: &str = "\
// The events of Herald, as `herald events --format typescript` prints them: written by the program, not by hand.
//
//   import { io, type Socket } from \"socket.io-client\";
//   import type { ClientToServerEvents, ServerToClientEvents } from \"./herald-events.js\";
//   const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io(url, { auth: (cb) => cb({ token, after }) });
//
// Fields may be added to payloads; what is there keeps its name and its meaning.

";

impl Catalogue {
    /// The declaration: a type for each payload, `ServerToClientEvents`, `ClientToServerEvents`.
    ///
    /// # Errors
    /// When a schema says something that the writer does not know.
    pub fn typescript(&self) -> Result<String, Unknown> {
        let mut out = Declaration(HEAD.to_owned());
        for (name, schema) in &self.schemas {
            out.declare(name, &description(schema), schema)?;
        }
        for sent in self.sent.iter().filter(|sent| sent.alias_of.is_none()) {
            out.declare(&title(sent.event), &format!("The payload of `{}`.", sent.event), &sent.payload)?;
        }
        let of_heralds = |event: &str| self.sent.iter().any(|sent| sent.event == event);
        for sent in self.administration.iter().filter(|sent| !of_heralds(sent.event)) {
            out.declare(&title(sent.event), &format!("The payload of `{}` on `/admin`.", sent.event), &sent.payload)?;
        }
        out.comment(
            "",
            "What Herald sends. Add what other back ends publish: `ServerToClientEvents & { \"order:created\": ... }`.",
        );
        out.0.push_str("export interface ServerToClientEvents {\n");
        for sent in &self.sent {
            out.comment("  ", &sent.summary);
            let call = if sent.confirmed { ", confirm?: (answer?: unknown) => void" } else { "" };
            let payload = title(sent.alias_of.unwrap_or(sent.event));
            let _ = writeln!(out.0, "  {}: (payload: {payload}{call}) => void;", key(sent.event));
        }
        out.0.push_str("}\n\n");
        out.comment(
            "",
            "What Herald understands. It acknowledges everything: with what is named here, or with a `Problem`.",
        );
        out.0.push_str("export interface ClientToServerEvents {\n");
        for wished in &self.wished {
            out.comment("  ", &wished.summary);
            let may = if wished.often_unheard { "?" } else { "" };
            let (data, answer) = (inline(&wished.data, 1)?, &wished.answer);
            let event = key(wished.event);
            let _ = writeln!(
                out.0,
                "  {event}: (data: {data}, acknowledge{may}: (answer: {answer} | Problem) => void) => void;"
            );
        }
        out.0.push_str("}\n\n");
        out.comment("", "What Herald sends on `/admin`, to administrators.");
        out.0.push_str("export interface AdminServerToClientEvents {\n");
        for sent in &self.administration {
            out.comment("  ", &sent.summary);
            let _ = writeln!(out.0, "  {}: (payload: {}) => void;", key(sent.event), title(sent.event));
        }
        out.0.push_str("}\n\n");
        out.comment("", "What Herald understands on `/admin`; the Admin UI has words of its own.");
        out.0.push_str("export type AdminClientToServerEvents = Pick<ClientToServerEvents, \"authenticate\">;\n");
        Ok(out.0)
    }
}

struct Declaration(String);

impl Declaration {
    fn declare(&mut self, name: &str, about: &str, schema: &Value) -> Result<(), Unknown> {
        self.comment("", about);
        let body = inline(schema, 0)?;
        if schema.get("properties").is_some() {
            let _ = writeln!(self.0, "export interface {name} {body}\n");
        } else {
            let _ = writeln!(self.0, "export type {name} = {body};\n");
        }
        Ok(())
    }

    fn comment(&mut self, indent: &str, text: &str) {
        if !text.is_empty() {
            let _ = writeln!(self.0, "{indent}/** {} */", text.replace("*/", "* /"));
        }
    }
}

fn description(schema: &Value) -> String {
    schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The type itself; what spans lines is indented by `depth`.
fn inline(schema: &Value, depth: usize) -> Result<String, Unknown> {
    let unknown = || Unknown(schema.to_string());
    if let Some(path) = schema.get("$ref") {
        return path.as_str().and_then(|path| path.strip_prefix(NAMED)).map(str::to_owned).ok_or_else(unknown);
    }
    for (word, between) in [("oneOf", " | "), ("anyOf", " | "), ("allOf", " & ")] {
        if let Some(parts) = schema.get(word).and_then(Value::as_array) {
            let parts: Vec<_> = parts.iter().map(|part| inline(part, depth + 1)).collect::<Result<_, _>>()?;
            return Ok(match (parts.len(), between) {
                // One below the other.
                (3.., " | ") => parts.iter().map(|part| format!("\n  | {part}")).collect(),
                _ => parts.join(between),
            });
        }
    }
    if let Some(value) = schema.get("const") {
        return Ok(value.to_string());
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return Ok(values.iter().map(Value::to_string).collect::<Vec<_>>().join(" | "));
    }
    if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
        return object(fields, schema, depth);
    }
    let words: Vec<&str> = match schema.get("type") {
        None => Vec::new(),
        Some(Value::String(word)) => vec![word],
        Some(words) => words.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
    };
    if words.is_empty() {
        return if says_nothing(schema) { Ok("unknown".into()) } else { Err(unknown()) };
    }
    let parts = words.into_iter().map(|word| match word {
        "string" | "boolean" | "null" => Ok(word.to_owned()),
        "integer" | "number" => Ok("number".into()),
        "object" => Ok("Record<string, unknown>".into()),
        "array" => Ok(format!("Array<{}>", inline(schema.get("items").unwrap_or(&Value::Bool(true)), depth)?)),
        _ => Err(unknown()),
    });
    Ok(parts.collect::<Result<Vec<String>, _>>()?.join(" | "))
}

/// Whether any JSON will do.
fn says_nothing(schema: &Value) -> bool {
    let words = ["description", "default"];
    schema.as_bool() == Some(true)
        || schema.as_object().is_some_and(|schema| schema.keys().all(|key| words.contains(&key.as_str())))
}

fn object(fields: &Map<String, Value>, schema: &Value, depth: usize) -> Result<String, Unknown> {
    let needed = |field: &String| {
        schema.get("required").and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| one == field.as_str()))
    };
    // What has few fields is read more easily on one line.
    let short = depth > 0 && fields.len() <= 3;
    let inner = "  ".repeat(depth + 1);
    let mut body = Declaration(String::from(if short { "{" } else { "{\n" }));
    for (field, schema) in fields {
        if !short {
            body.comment(&inner, &description(schema));
        }
        let (before, after) = if short { (" ", ";") } else { (inner.as_str(), ";\n") };
        let may = if needed(field) { "" } else { "?" };
        let _ = write!(body.0, "{before}{}{may}: {}{after}", key(field), inline(schema, depth + 1)?);
    }
    let _ = if short { write!(body.0, " }}") } else { write!(body.0, "{}}}", "  ".repeat(depth)) };
    Ok(body.0)
}

/// A member's name, in quotes where it needs them.
fn key(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { name.to_owned() } else { Value::from(name).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_is_written_as_typescript_writes_types() {
        let cases = [
            (json!(true), "unknown"),
            (json!({}), "unknown"),
            (json!({ "type": "integer", "format": "int64" }), "number"),
            (json!({ "type": ["string", "null"] }), "string | null"),
            (json!({ "type": "array", "items": { "enum": ["A", "B"] } }), "Array<\"A\" | \"B\">"),
            (json!({ "anyOf": [{ "$ref": "#/components/schemas/Uuid" }, { "type": "null" }] }), "Uuid | null"),
            (
                json!({ "allOf": [{ "$ref": "#/components/schemas/Offer" }, { "type": "object" }] }),
                "Offer & Record<string, unknown>",
            ),
            (
                json!({ "properties": { "a-b": { "const": true }, "c": {} }, "required": ["a-b"] }),
                "{ \"a-b\": true; c?: unknown; }",
            ),
        ];
        for (schema, wanted) in cases {
            assert_eq!(inline(&schema, 1).expect("a type"), wanted, "{schema}");
        }
    }

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        for schema in [json!(false), json!({ "not": {} }), json!({ "type": "date" }), json!({ "$ref": "#/elsewhere" })]
        {
            assert!(inline(&schema, 0).is_err(), "{schema}");
        }
    }
}
