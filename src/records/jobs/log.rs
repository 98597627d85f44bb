//! A job's log: one line each, bounded, saying how much it leaves out.

use super::Job;

/// Most bytes of a log: every notice of a job carries it whole.
pub const LOG_MAX: usize = 64 * 1024;
/// Why a job ended is said even when the log is full.
const LAST_WORDS: usize = 4 * 1024;
/// Longest line: nobody fills a log with one.
const LINE_MAX: usize = 500;

impl Job {
    /// Adds a line, if there is room.
    pub(super) fn say(&mut self, line: &str) {
        self.add(line, LOG_MAX - LAST_WORDS);
    }

    /// Adds a line that has to be read.
    pub(super) fn say_last(&mut self, line: &str) {
        self.add(line, LOG_MAX);
    }

    fn add(&mut self, line: &str, most: usize) {
        let line = plain(line);
        let closing = closing(self.log_left_out);
        if let Some(kept) = self.log.strip_suffix(&closing) {
            self.log.truncate(kept.len());
        }
        // Once a line was left out, shorter ones that would fit are too: the log has no holes.
        let room = self.log.len() + line.len() < most && (self.log_left_out == 0 || most == LOG_MAX);
        if room {
            self.log.push_str(&line);
            self.log.push('\n');
        } else {
            self.log_left_out = self.log_left_out.saturating_add(1);
        }
        self.log.push_str(&self::closing(self.log_left_out));
    }
}

/// The line that says how many more there were.
fn closing(left_out: i32) -> String {
    match left_out {
        0 => String::new(),
        1 => "… and 1 more line\n".into(),
        more => format!("… and {more} more lines\n"),
    }
}

/// On one line, without what could move a terminal's cursor, and not endless.
fn plain(line: &str) -> String {
    let mut chars = line.trim().chars();
    let mut plain: String =
        chars.by_ref().take(LINE_MAX).map(|char| if char.is_control() { ' ' } else { char }).collect();
    if chars.next().is_some() {
        plain.push('…');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::jobs::tests::job;

    #[test]
    fn what_has_no_room_is_counted_in_one_last_line() {
        let mut job = job();
        for n in 0..10_000 {
            job.say(&format!("row {n}: has no start"));
        }
        assert!(job.log.len() < LOG_MAX, "{}", job.log.len());
        let lines: Vec<&str> = job.log.lines().collect();
        let (last, kept) = lines.split_last().expect("lines");
        assert_eq!(*last, format!("… and {} more lines", 10_000 - kept.len()));
        assert_eq!(kept.last(), Some(&&*format!("row {}: has no start", kept.len() - 1)), "the first ones are kept");
    }

    #[test]
    fn a_long_line_that_found_no_room_leaves_no_hole() {
        let mut job = job();
        let long = "x".repeat(LINE_MAX);
        while job.log_left_out == 0 {
            job.say(&long);
        }
        job.say("short");
        assert_eq!(job.log_left_out, 2);
        assert!(!job.log.contains("short"));
    }

    #[test]
    fn why_it_ended_is_said_even_in_a_full_log() {
        let mut job = job();
        for n in 0..10_000 {
            job.say(&format!("row {n}: has no start"));
        }
        job.say_last("no good row");
        let end: Vec<&str> = job.log.lines().rev().take(2).collect();
        assert!(end[0].starts_with("… and") && end[1] == "no good row", "{end:?}");
    }

    #[test]
    fn a_line_is_one_line_and_not_endless() {
        let mut job = job();
        job.say(&format!("a\r\nb\u{1b}[2J{}", "é".repeat(10_000)));
        assert_eq!(job.log.lines().count(), 1);
        assert!(!job.log.trim_end().contains(char::is_control));
        assert_eq!(job.log.trim_end().chars().count(), LINE_MAX + 1);
    }
}
