//! `herald --help`, printed from the table of settings.

use crate::config::{SETTINGS, flag_of};
use std::fmt::Write as _;

const USAGE: &str = "\
Herald: HTTP records, and one ordered sequence of notices for Socket.IO, WebSocket and SSE clients.

  herald [serve]                     serve until SIGTERM or Ctrl-C
  herald --demo                      the same with demo accounts and data, on loopback only
  herald token --sub ID --roles LIST [--ttl 1h] [--topics LIST] [--sid NAME]
                                     print a token, for operators and tests
  herald admin --email ADDRESS       make the first administrator; the password is read from stdin
  herald events --format typescript|asyncapi
                                     print what is sent and understood, with its types
  herald --help | --version

Every setting is an environment variable or a flag; a flag wins, then the environment, then --demo.
";

/// The whole text.
pub(super) fn text() -> String {
    let mut text = String::from(USAGE);
    for setting in SETTINGS {
        let default = if setting.default.is_empty() { String::new() } else { format!(" [{}]", setting.default) };
        // Writing to a String can't fail.
        let _ = write!(text, "\n  {} (--{}){default}\n      {}\n", setting.name, flag_of(setting.name), setting.doc);
    }
    text
}
