//! `herald token`: a token for operators and tests.

use super::Failure;
use crate::{
    auth::{Claims, Tokens, new_sid},
    config::Config,
    identity::{Role, Roles, Sid},
    ids::UserId,
    time::Time,
};
use std::collections::HashMap;

const HOUR: i64 = 3600;
/// A token that outlives its key is no use; one that outlives its holder's job is a danger.
const TTL_MAX: i64 = 366 * 24 * HOUR;

/// What the token is to say.
#[derive(Debug)]
pub(super) struct Grant {
    user: UserId,
    roles: Roles,
    pub(super) sid: Sid,
    pub(super) topics: Vec<String>,
    pub(super) seconds: i64,
}

impl Grant {
    /// Reads `--sub`, `--roles` and what else was given; missing ones were reported already and are
    /// empty.
    pub(super) fn read(sub: &str, roles: &str, options: &HashMap<&'static str, String>) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let user = sub.parse().ok();
        if user.is_none() && !sub.is_empty() {
            faults.push("--sub: has to be a UUID".to_owned());
        }
        let mut set = Vec::new();
        for name in list(roles) {
            match serde_json::from_value::<Role>(name.clone().into()) {
                Ok(role) => set.push(role),
                Err(_) => faults.push(format!("--roles: {name} is none of USER, ADMIN, SELLER, BUYER")),
            }
        }
        let seconds = options.get("ttl").map_or(Some(HOUR), |text| seconds(text));
        if seconds.is_none() {
            faults.push("--ttl: has to be a time such as 90s, 15m, 1h or 7d, at most 366d".to_owned());
        }
        let sid = options.get("sid").map_or_else(|| Some(new_sid()), |text| text.parse().ok());
        if sid.is_none() {
            faults.push("--sid: has to be 1 to 64 visible ASCII characters".to_owned());
        }
        let topics = options.get("topics").map_or_else(Vec::new, |text| list(text));
        match (user, sid, seconds) {
            (Some(user), Some(sid), Some(seconds)) if faults.is_empty() => {
                Ok(Self { user, roles: set.into_iter().collect(), sid, topics, seconds })
            }
            _ => Err(faults),
        }
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn seconds(text: &str) -> Option<i64> {
    let (digits, unit) = match text.char_indices().next_back()? {
        (at, 's') => (&text[..at], 1),
        (at, 'm') => (&text[..at], 60),
        (at, 'h') => (&text[..at], HOUR),
        (at, 'd') => (&text[..at], 24 * HOUR),
        _ => (text, 1),
    };
    let number: i64 = digits.parse().ok()?;
    number.checked_mul(unit).filter(|seconds| (1..=TTL_MAX).contains(seconds))
}

/// The token.
pub(super) fn mint(config: &Config, grant: Grant) -> Result<String, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
    let Grant { user, roles, sid, topics, seconds } = grant;
    let now = Time::now();
    let claims = Claims { user, sid, roles, topics, expires_at: now.unix() + seconds };
    runtime.block_on(async { Tokens::open(&config.auth).await?.mint(&claims, now) }).map_err(Failure::failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_live_is_a_number_and_a_unit() {
        for (text, wanted) in [("90", 90), ("90s", 90), ("15m", 900), ("1h", 3600), ("7d", 7 * 24 * 3600)] {
            assert_eq!(seconds(text), Some(wanted), "{text}");
        }
        for text in ["", "h", "1w", "-1h", "0", "367d", "9223372036854775807d", "1é"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
