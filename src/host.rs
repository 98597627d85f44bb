//! What this process can say of itself to operators.

use crate::time::Time;
use serde::Serialize;
use std::{fs, sync::OnceLock, time::Instant};

/// Which process this is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Host {
    /// Herald's version.
    pub version: &'static str,
    /// The machine's name, where it can be told.
    pub hostname: String,
    /// The process's number.
    pub pid: u32,
    /// When it was first asked, which is at its start.
    pub started_at: Time,
    #[serde(skip)]
    started: Instant,
}

impl Host {
    /// This one.
    pub fn this() -> &'static Self {
        static THIS: OnceLock<Host> = OnceLock::new();
        THIS.get_or_init(|| Self {
            version: env!("CARGO_PKG_VERSION"),
            hostname: hostname(),
            pid: std::process::id(),
            started_at: Time::now(),
            started: Instant::now(),
        })
    }

    /// For how long it runs, in seconds.
    #[must_use]
    pub fn uptime(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Bytes of memory that it holds (its resident set); `None` where the system does not say.
    #[must_use]
    pub fn memory(&self) -> Option<u64> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
    }
}

fn hostname() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| "herald".to_owned())
}
