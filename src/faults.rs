//! Gathers every fault of an input, so that the caller learns of all at once.

use crate::error::{Error, Fault, Result};
use std::{borrow::Cow, ops::RangeInclusive};

/// The faults found so far.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Notes a fault unless `fine`.
    pub fn check(&mut self, field: impl Into<Cow<'static, str>>, fine: bool, message: impl Into<Cow<'static, str>>) {
        if !fine {
            self.0.push(Fault { field: field.into(), message: message.into() });
        }
    }

    /// Text has to be so many characters long, without control characters but line breaks and tabs.
    pub fn text(&mut self, field: &'static str, text: &str, length: RangeInclusive<usize>) {
        let count = text.chars().count();
        let (least, most) = (length.start(), length.end());
        self.check(field, length.contains(&count), format!("has to be {least} to {most} characters long"));
        let plain = text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'));
        self.check(field, plain, "has to be free of control characters");
    }

    /// A list may have so many entries, each once.
    pub fn list<T: PartialEq>(&mut self, field: &'static str, list: &[T], most: usize) {
        self.check(field, list.len() <= most, format!("may have at most {most} entries"));
        // Bounded: no looking for doubles in a list that is too long anyway.
        let doubled = list.len() <= most && list.iter().enumerate().any(|(at, entry)| list[..at].contains(entry));
        self.check(field, !doubled, "names something twice");
    }

    /// How many were found.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none was found.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value, if no fault was found.
    ///
    /// # Errors
    /// 422 with all faults.
    pub fn or<T>(self, value: T) -> Result<T> {
        if self.0.is_empty() { Ok(value) } else { Err(Error::Invalid(self.0)) }
    }
}
