//! Tokens whose signature held. Checking it again tells nothing new: a token that changes in one bit is another.
//! Everything that may change meanwhile is asked each time: the clock, the session, the user's record.

use super::Said;
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// What is remembered may take about so many bytes; over that, all is forgotten, and checked again as it comes.
/// Only tokens that hold get in, so strangers can't fill it.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// What an entry takes beside the token's own words, about.
const ENTRY: usize = 256;

/// By a token's SHA-256: what is in memory opens nothing, and the time of the look-up tells nothing of a token.
#[derive(Default)]
pub(super) struct Known(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    said: HashMap<[u8; 32], Said>,
    bytes: usize,
}

impl Known {
    /// What this token says, if its signature held before.
    pub(super) fn find(&self, token: &str) -> Option<Said> {
        let hash = hash(token);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).said.get(&hash).cloned()
    }

    /// Remembers what a token says whose signature holds.
    pub(super) fn add(&self, token: &str, said: Said) {
        let hash = hash(token);
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What it says came out of its own text, so that is not longer.
        let bytes = token.len() + ENTRY;
        if inner.bytes + bytes > BYTES_MAX {
            *inner = Inner::default();
        }
        if inner.said.insert(hash, said).is_none() {
            inner.bytes += bytes;
        }
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).said.len()
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_stays_within_its_bound() {
        let known = Known::default();
        let claims = serde_json::json!({
            "user": crate::ids::UserId::generate(), "sid": "s", "roles": [], "topics": [], "expiresAt": 1,
        });
        let said = Said { claims: serde_json::from_value(claims).expect("claims"), not_before: None };
        let token = |n: usize| format!("{n:08000}");
        let fit = BYTES_MAX / (8000 + ENTRY);
        for n in 0..=fit {
            known.add(&token(n), said.clone());
            known.add(&token(n), said.clone());
            assert!(known.count() <= fit);
        }
        assert!(known.find(&token(fit)).is_some(), "the newest is there");
        assert!(known.find(&token(0)).is_none(), "the others were forgotten");
    }
}
