//! The result line: a flat JSON object, written in the order its members are named.

use std::fmt;

/// An object that is being written.
#[derive(Default)]
pub struct Json(String);

impl Json {
    /// A member that is text.
    pub fn text(self, name: &str, value: &str) -> Self {
        let escaped: String = value.chars().flat_map(escape).collect();
        self.member(name, &format!("\"{escaped}\""))
    }

    /// A member that is a number, with at most four decimals; 0 where it is none (a rate over no time).
    pub fn number(self, name: &str, value: f64) -> Self {
        let value = if value.is_finite() { (value * 1e4).round() / 1e4 } else { 0.0 };
        self.member(name, &value.to_string())
    }

    /// A member that is an object.
    pub fn object(self, name: &str, value: &Json) -> Self {
        self.member(name, &value.to_string())
    }

    fn member(mut self, name: &str, value: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(&format!("\"{name}\":{value}"));
        self
    }
}

fn escape(c: char) -> Vec<char> {
    match c {
        '"' | '\\' => vec!['\\', c],
        c if c.is_control() => vec![' '],
        c => vec![c],
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_written_in_order_and_quotes_escaped() {
        let inner = Json::default().number("p99", 1.23456);
        let json = Json::default().text("label", "a \"b\"\n").number("none", f64::NAN).object("latency", &inner);
        assert_eq!(json.to_string(), r#"{"label":"a \"b\" ","none":0,"latency":{"p99":1.2346}}"#);
    }
}
