//! Reads settings one by one and gathers what is wrong with them, so that all is reported at once.

use super::table::setting;
use std::{collections::HashMap, fmt, ops::RangeInclusive, str::FromStr};

/// What was given: by flags, by the environment, and by `--demo`, in that order of precedence.
#[derive(Default, Clone)]
pub struct Given {
    /// `--name value`, under the variable's name.
    pub flags: HashMap<&'static str, String>,
    /// The environment.
    pub env: HashMap<String, String>,
    /// What `--demo` sets where nobody else does.
    pub demo: HashMap<&'static str, String>,
}

impl Given {
    fn get(&self, name: &'static str) -> Option<&str> {
        let given = self.flags.get(name).or_else(|| self.env.get(name)).or_else(|| self.demo.get(name));
        // Shells and compose files set what they leave empty.
        given.map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether a value was given by anybody but the defaults.
    #[must_use]
    pub fn has(&self, name: &'static str) -> bool {
        self.get(name).is_some()
    }
}

/// Reads values and notes faults.
pub struct Reader<'g> {
    given: &'g Given,
    faults: Vec<String>,
}

impl<'g> Reader<'g> {
    /// Over what was given.
    #[must_use]
    pub const fn new(given: &'g Given) -> Self {
        Self { given, faults: Vec::new() }
    }

    /// Notes that a setting is wrong.
    pub fn fault(&mut self, name: &str, what: impl fmt::Display) {
        self.faults.push(format!("{name}: {what}"));
    }

    /// What was given, or the default; `None` when that is empty.
    #[must_use]
    pub fn maybe(&self, name: &'static str) -> Option<&'g str> {
        let default = setting(name).map(|setting| setting.default).filter(|default| !default.is_empty());
        self.given.get(name).or(default)
    }

    /// The text of a setting that has a default.
    #[must_use]
    pub fn text(&self, name: &'static str) -> String {
        self.maybe(name).unwrap_or_default().to_owned()
    }

    /// Something that can be parsed, of a setting that has a default. The value is not repeated in
    /// the fault: it may be a secret that was put into the wrong variable.
    pub fn parse<T: FromStr>(&mut self, name: &'static str, what: &str) -> Option<T> {
        let parsed = self.maybe(name).and_then(|text| text.parse().ok());
        if parsed.is_none() {
            self.fault(name, format_args!("has to be {what}"));
        }
        parsed
    }

    /// A whole number between bounds. Zero where it is wrong: the fault stops the start anyway.
    pub fn number<T: FromStr + PartialOrd + fmt::Display + Default>(
        &mut self,
        name: &'static str,
        bounds: RangeInclusive<T>,
    ) -> T {
        let what = format!("a number from {} to {}", bounds.start(), bounds.end());
        match self.maybe(name).and_then(|text| text.parse().ok()) {
            Some(number) if bounds.contains(&number) => number,
            _ => {
                self.fault(name, format_args!("has to be {what}"));
                T::default()
            }
        }
    }

    /// `on` or `off`.
    pub fn switch(&mut self, name: &'static str) -> bool {
        match self.maybe(name).map(str::to_lowercase).as_deref() {
            Some("on" | "true" | "1" | "yes") => true,
            Some("off" | "false" | "0" | "no") => false,
            _ => {
                self.fault(name, "has to be on or off");
                false
            }
        }
    }

    /// A list separated by commas, each part checked.
    pub fn list<T>(&mut self, name: &'static str, read: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let parts = self.maybe(name).unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty());
        let mut list = Vec::new();
        for (index, part) in parts.enumerate() {
            match read(part) {
                Ok(value) => list.push(value),
                Err(what) => self.fault(name, format_args!("part {}: {what}", index + 1)),
            }
        }
        list
    }

    /// The value, if nothing was wrong.
    ///
    /// # Errors
    /// All faults, each beginning with the name of its setting.
    pub fn or<T>(self, value: Option<T>) -> Result<T, Vec<String>> {
        match value {
            Some(value) if self.faults.is_empty() => Ok(value),
            _ => Err(self.faults),
        }
    }
}
