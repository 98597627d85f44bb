//! The command line: `herald`, `herald token`, `herald admin` (CONTRACT 1), `herald events`.

mod admin;
mod arguments;
mod events;
mod help;
mod token;

use crate::config::Config;
use arguments::{Arguments, Command};
use std::{
    ffi::OsString,
    fmt::Display,
    io::{self, Write as _},
    process::ExitCode,
};

/// What was asked for can't be: the settings or the command line are wrong.
const WRONG: u8 = 2;

/// Why a command did not do what it was asked to.
enum Failure {
    /// The settings or the command line: everything that is wrong with them.
    Wrong(Vec<String>),
    /// Something else.
    Failed(String),
}

impl Failure {
    fn failed(cause: impl Display) -> Self {
        Self::Failed(cause.to_string())
    }
}

/// Runs the command that the arguments (without the program's name) and the environment ask for;
/// `serve` is how to serve, and says why it can't.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    env: impl IntoIterator<Item = (OsString, OsString)>,
    serve: impl FnOnce(Config) -> Result<(), String>,
) -> ExitCode {
    let outcome = Arguments::read(arguments, env).map_err(Failure::Wrong).and_then(|read| obey(read, serve));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Failed(cause)) => {
            eprintln!("herald: {cause}");
            ExitCode::FAILURE
        }
        Err(Failure::Wrong(faults)) => {
            for fault in faults {
                eprintln!("herald: {fault}");
            }
            eprintln!("herald: see herald --help");
            ExitCode::from(WRONG)
        }
    }
}

fn obey(arguments: Arguments, serve: impl FnOnce(Config) -> Result<(), String>) -> Result<(), Failure> {
    let Arguments { command, given, demo } = arguments;
    let config = || Config::read(given, demo).map_err(Failure::Wrong);
    match command {
        Command::Help => say(&help::text()),
        Command::Version => say(concat!("herald ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Serve => serve(config()?).map_err(Failure::Failed),
        Command::Token(grant) => say(&format!("{}\n", token::mint(&config()?, grant)?)),
        Command::Events(format) => say(&events::text(format)?),
        Command::Admin { email } => admin::run(&config()?, email),
    }
}

/// To stdout, also into a pipe that is closed half-way.
fn say(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::failed(error)),
        _ => Ok(()),
    }
}
