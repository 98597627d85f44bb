//! The time that counts, and what both sides used in it.

use crate::{
    json::Json,
    sys::process::{Usage, now, own_cpu, usage},
};

/// A moment, and what was used until then.
pub struct Mark {
    /// When.
    pub at: u64,
    own: u64,
    /// The server's use, if its process is known.
    pub server: Option<Usage>,
}

impl Mark {
    /// Now.
    pub fn now(pid: Option<u32>) -> Self {
        Self { at: now(), own: own_cpu(), server: pid.and_then(usage) }
    }

    /// Seconds between two marks.
    pub fn seconds_until(&self, end: &Mark) -> f64 {
        (end.at - self.at) as f64 / 1e9
    }

    /// The share of one core, in percent, that server and load generator took between two marks.
    pub fn cpu_until(&self, end: &Mark, json: Json) -> Json {
        let percent = |nanos: u64| nanos as f64 / (end.at - self.at) as f64 * 100.0;
        let server = match (self.server, end.server) {
            (Some(before), Some(after)) => percent(after.cpu - before.cpu),
            _ => 0.0,
        };
        json.number("server_cpu_pct", server).number("loadgen_cpu_pct", percent(end.own - self.own))
    }
}
