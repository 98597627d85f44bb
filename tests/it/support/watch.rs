//! Listens to the log of all servers of this process. An `error!` says that Herald met a fault of its
//! own: no test may cause one.

use log::{Level, LevelFilter, Log, Metadata, Record};
use std::sync::{Mutex, Once, PoisonError};

struct Watch;

static ERRORS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Not errors by level, but signs of a leak.
const SIGNS: [&str; 1] = ["did not end in time"];

impl Log for Watch {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn || std::env::var_os("HERALD_TEST_LOG").is_some()
    }

    fn log(&self, record: &Record<'_>) {
        let text = format!("{} {}: {}", record.level(), record.target(), record.args());
        if std::env::var_os("HERALD_TEST_LOG").is_some() {
            eprintln!("{text}");
        }
        if record.level() == Level::Error || SIGNS.iter().any(|sign| text.contains(sign)) {
            ERRORS.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
    }

    fn flush(&self) {}
}

pub fn begin() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Watch).expect("the first logger");
        let wanted = std::env::var("HERALD_TEST_LOG").ok().and_then(|level| level.parse().ok());
        log::set_max_level(wanted.unwrap_or(LevelFilter::Warn));
    });
}

/// Fails with what was logged by any server since the last look.
pub fn assert_quiet() {
    let errors = std::mem::take(&mut *ERRORS.lock().unwrap_or_else(PoisonError::into_inner));
    assert!(errors.is_empty(), "a server logged errors (perhaps another test's):\n{}", errors.join("\n"));
}
