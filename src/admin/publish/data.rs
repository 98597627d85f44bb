//! The payload of another back end's event. It is passed on as the text that it came as: numbers keep
//! their digits, members their order, and nothing is built that would be written down again.

use crate::faults::Faults;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// Deepest nesting: readers of JSON give up at some depth, many by falling over.
const DEPTH_MAX: usize = 100;

/// The payload on one line, if it is an object that has no `seq` of its own; else the fault, named with
/// `at` before the field, and the payload as it is.
pub(super) fn checked(data: Box<RawValue>, at: &str, faults: &mut Faults) -> Box<RawValue> {
    let text = data.get();
    let object = text.starts_with('{');
    faults.check(format!("{at}data"), object, "has to be an object");
    let shallow = depth(text) <= DEPTH_MAX;
    faults.check(format!("{at}data"), shallow, format!("may be at most {DEPTH_MAX} levels deep"));
    let own_seq = object && shallow && has_seq(text);
    faults.check(format!("{at}data.seq"), !own_seq, "is Herald's: it adds the place in the order under this name");
    on_one_line(data)
}

/// How deep objects and lists are nested in a valid JSON text.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Whether an object has a member `seq`, however that is written.
fn has_seq(object: &str) -> bool {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
            let mut found = false;
            while let Some((name, IgnoredAny)) = map.next_entry::<Cow<'de, str>, IgnoredAny>()? {
                found |= name == "seq";
            }
            Ok(found)
        }
    }

    // It was read as JSON a moment ago; whatever is no object is refused elsewhere.
    serde_json::Deserializer::from_str(object).deserialize_map(Members).unwrap_or(false)
}

/// A line break would end the `data:` line on SSE. In JSON it stands between two tokens only, as does
/// the white space round it, so all of it may go.
fn on_one_line(data: Box<RawValue>) -> Box<RawValue> {
    const BREAKS: [char; 2] = ['\n', '\r'];
    if !data.get().contains(BREAKS) {
        return data;
    }
    let line: String = data.get().split(BREAKS).map(str::trim).collect();
    // Joining the lines of a JSON text leaves one; were it otherwise, no line would be safe.
    RawValue::from_string(line).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).expect("JSON")
    }

    fn faults(text: &str) -> usize {
        let mut faults = Faults::default();
        checked(raw(text), "", &mut faults);
        faults.len()
    }

    #[test]
    fn only_objects_without_a_seq_of_their_own_are_taken() {
        for fine in ["{}", r#"{"seqs":1,"a":{"seq":1},"b":["seq"]}"#, r#" {"a":"\"seq\":1"} "#] {
            assert_eq!(faults(fine), 0, "{fine}");
        }
        for wrong in ["null", "7", "\"{}\"", "[{}]", r#"{"seq":1}"#, r#"{"a":1,"\u0073eq":null}"#] {
            assert_eq!(faults(wrong), 1, "{wrong}");
        }
    }

    #[test]
    fn what_is_nested_too_deep_is_refused() {
        let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert_eq!((faults(&nested(100)), faults(&nested(101))), (0, 1));
        assert_eq!(faults(&nested(100_000)), 1);
        assert_eq!(depth(r#"{"a":"[[[[\"[[","b":["\\"]}"#), 2, "brackets in text do not count");
    }

    #[test]
    fn digits_and_order_are_kept_and_lines_joined() {
        let text = "{\r\n  \"z\" : 1.10,\n\t\"a\": 12345678901234567890123,\n \"t\": \" two\\nlines \"\n}";
        let line = on_one_line(raw(text));
        assert_eq!(line.get(), r#"{"z" : 1.10,"a": 12345678901234567890123,"t": " two\nlines "}"#);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
            "[ \n\r\t\u{a0}\u{2028}{}\\[\\]\"\\\\]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map(".{0,4}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn levels(value: &Value) -> usize {
        match value {
            Value::Array(list) => 1 + list.iter().map(levels).max().unwrap_or(0),
            Value::Object(members) => 1 + members.values().map(levels).max().unwrap_or(0),
            _ => 0,
        }
    }

    proptest! {
        #[test]
        fn however_it_is_laid_out_it_means_the_same_on_one_line(value in any_json()) {
            let pretty = serde_json::to_string_pretty(&json!({ "a": value })).expect("text").replace('\n', "\r\n");
            let line = on_one_line(raw(&pretty));
            prop_assert!(!line.get().contains(['\n', '\r']));
            prop_assert_eq!(serde_json::from_str::<Value>(line.get()).expect("JSON"), json!({ "a": value }));
            prop_assert_eq!(depth(&pretty), 1 + levels(&value));
        }
    }
}
