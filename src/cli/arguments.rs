//! From words to a command and to settings.

use super::{events::Format, token::Grant};
use crate::config::{Given, SETTINGS, by_flag};
use lexopt::{Arg, Parser, ValueExt as _};
use std::{collections::HashMap, ffi::OsString};

/// What is to be done.
#[derive(Debug)]
pub(super) enum Command {
    Serve,
    Token(Grant),
    Admin { email: String },
    Events(Format),
    Help,
    Version,
}

/// What was said on the command line and by the environment.
pub(super) struct Arguments {
    pub(super) command: Command,
    pub(super) given: Given,
    pub(super) demo: bool,
}

/// Which options belong to which command; each takes a value.
const OPTIONS: [(&str, &[&str]); 4] = [
    ("serve", &[]),
    ("token", &["sub", "roles", "ttl", "topics", "sid"]),
    ("admin", &["email"]),
    ("events", &["format"]),
];

impl Arguments {
    /// Reads all of it.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub(super) fn read(
        arguments: impl IntoIterator<Item = OsString>,
        env: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Vec<String>> {
        let mut given = Given { env: known(env), ..Given::default() };
        let mut words = Words::default();
        words.read(Parser::from_args(arguments), &mut given).map_err(|error| vec![error.to_string()])?;
        let Words { command, mut options, demo, help, version } = words;
        if help || version {
            let command = if help { Command::Help } else { Command::Version };
            return Ok(Self { command, given, demo });
        }
        let name = command.as_deref().unwrap_or("serve");
        let Some((_, allowed)) = OPTIONS.iter().find(|(known, _)| *known == name) else {
            return Err(vec![format!("there is no command {name}")]);
        };
        let mut faults: Vec<String> = options
            .keys()
            .filter(|option| !allowed.contains(option))
            .map(|option| format!("--{option} does not belong to herald {name}"))
            .collect();
        let mut need = |option: &str| {
            let value = options.remove(option);
            if value.is_none() {
                faults.push(format!("herald {name} needs --{option}"));
            }
            value.unwrap_or_default()
        };
        let command = match name {
            "token" => {
                let (sub, roles) = (need("sub"), need("roles"));
                match Grant::read(&sub, &roles, &options) {
                    Ok(grant) => Command::Token(grant),
                    Err(more) => return Err([faults, more].concat()),
                }
            }
            "admin" => Command::Admin { email: need("email") },
            "events" => match Format::read(&need("format")) {
                Ok(format) => Command::Events(format),
                Err(fault) => return Err([faults, fault.into_iter().collect()].concat()),
            },
            _ => Command::Serve,
        };
        if faults.is_empty() { Ok(Self { command, given, demo }) } else { Err(faults) }
    }
}

#[derive(Default)]
struct Words {
    command: Option<String>,
    options: HashMap<&'static str, String>,
    demo: bool,
    help: bool,
    version: bool,
}

impl Words {
    fn read(&mut self, mut parser: Parser, given: &mut Given) -> Result<(), lexopt::Error> {
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Short('h') | Arg::Long("help") => self.help = true,
                Arg::Short('V') | Arg::Long("version") => self.version = true,
                Arg::Long("demo") => self.demo = true,
                Arg::Long(name) => {
                    let option = OPTIONS.iter().flat_map(|(_, options)| *options).find(|option| **option == name);
                    match (by_flag(name), option) {
                        (Some(setting), _) => drop(given.flags.insert(setting.name, parser.value()?.string()?)),
                        (None, Some(option)) => drop(self.options.insert(option, parser.value()?.string()?)),
                        (None, None) => return Err(arg.unexpected()),
                    }
                }
                Arg::Value(word) if self.command.is_none() => self.command = Some(word.string()?),
                other => return Err(other.unexpected()),
            }
        }
        Ok(())
    }
}

/// Of the environment only what concerns Herald, and that has to be text.
fn known(env: impl IntoIterator<Item = (OsString, OsString)>) -> HashMap<String, String> {
    env.into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| SETTINGS.iter().any(|setting| setting.name == name))
        .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUB: &str = "0190a5b2-c3d4-7e8f-9a0b-1c2d3e4f5a6b";

    fn read(line: &str) -> Result<Arguments, Vec<String>> {
        let env = [("WORKERS", "2"), ("HOME", "/root")].map(|(name, value)| (name.into(), value.into()));
        Arguments::read(line.split_whitespace().map(OsString::from), env)
    }

    fn faults(line: &str) -> String {
        read(line).err().expect("faults").join("; ")
    }

    #[test]
    fn without_a_command_herald_serves() {
        let read = read("--addr 127.0.0.1:0 --history-days=3 --demo").expect("arguments");
        assert!(matches!(read.command, Command::Serve) && read.demo);
        assert_eq!(read.given.flags.get("HERALD_ADDR").map(String::as_str), Some("127.0.0.1:0"));
        assert_eq!(read.given.flags.get("HISTORY_DAYS").map(String::as_str), Some("3"));
        assert_eq!(read.given.env.len(), 1, "what is not ours is not read");
    }

    #[test]
    fn a_token_needs_a_sub_and_roles_and_says_so_at_once() {
        let Command::Token(grant) =
            read(&format!("token --sub {SUB} --roles USER,ADMIN --ttl 90m --topics a,b* --sid s1"))
                .expect("ok")
                .command
        else {
            panic!("no token")
        };
        assert_eq!((grant.seconds, grant.sid.as_str(), grant.topics), (5400, "s1", vec!["a".into(), "b*".to_owned()]));
        let said = faults("token --email ann@example.com");
        for part in ["--sub", "--roles", "--email does not belong"] {
            assert!(said.contains(part), "{said}");
        }
        let said = faults("token --sub ann --roles KING --ttl soon");
        for part in ["--sub", "KING", "--ttl"] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert!(faults("dance").contains("dance"));
        assert!(faults("--colour red").contains("--colour"));
        assert!(faults("serve twice").contains("twice"));
        assert!(faults("admin").contains("--email"));
        assert!(faults("events").contains("--format"));
        assert!(faults("events --format proto").contains("typescript"));
        assert!(faults("events --format typescript --email a").contains("--email does not belong"));
    }

    #[test]
    fn help_is_given_whatever_else_is_said() {
        assert!(matches!(read("token --help").expect("help").command, Command::Help));
        assert!(matches!(read("-V").expect("version").command, Command::Version));
    }
}
