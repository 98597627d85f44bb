//! The limits of one connection, each with the harm that it prevents.

use std::time::Duration;

/// Settings of the transports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes that may wait for one reader. One that does not keep up is closed and resumes by
    /// its cursor, instead of filling the memory. Default 1 MiB.
    pub queue_max: usize,
    /// Longest message from a client, in bytes. Default 100,000, as the clients of Engine.IO expect.
    pub message_max: usize,
    /// How often an idle connection is asked whether it is there. Default 25 s.
    pub ping_interval: Duration,
    /// How long Socket.IO waits for the answer. Default 20 s.
    pub ping_timeout: Duration,
    /// After how long a silence `/ws` takes its client for gone. Default 60 s.
    pub silence_max: Duration,
    /// How often SSE sends a comment, so that proxies do not take the stream for dead and a client
    /// that went is noticed. Default 20 s (CONTRACT 3).
    pub comment_interval: Duration,
    /// How long a Socket.IO transport may stay without having been let in. Default 10 s.
    pub connect_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue_max: 1024 * 1024,
            message_max: 100_000,
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            silence_max: Duration::from_secs(60),
            comment_interval: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(10),
        }
    }
}
