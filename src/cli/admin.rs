//! `herald admin --email`: the first administrator, made in the database itself, also while a
//! server runs on it.

use super::Failure;
use crate::{
    auth::Passwords,
    config::Config,
    delivery::outbox::{Outbox, Tx},
    records::users::{Register, appoint},
    secret::Secret,
    store::Store,
};
use std::{
    io::{self, BufRead as _, IsTerminal as _},
    process::{Command, Stdio},
};

/// Shortest password of an administrator, in characters: it opens everything.
const PASSWORD_MIN: usize = 12;

pub(super) fn run(config: &Config, email: String) -> Result<(), Failure> {
    let password = ask()?;
    if password.expose().chars().count() < PASSWORD_MIN {
        return Err(Failure::Failed(format!("the password has to be {PASSWORD_MIN} characters or more")));
    }
    let first_name = email.split('@').next().unwrap_or_default().to_owned();
    let register = Register { email, password, first_name, last_name: String::new() };
    let password = register.checked().map_err(Failure::failed)?;

    let store = Store::open(config.database_url.expose()).map_err(Failure::failed)?;
    store.migrate().map_err(Failure::failed)?;
    let (outbox, committer) = Outbox::start(store, Box::new(drop)).map_err(Failure::failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
    let email = register.email.clone();
    let done = runtime.block_on(async move {
        let hash = Passwords::new(config.auth.cost)?.hash(password).await?;
        outbox.commit(async move |tx: &mut Tx| appoint(tx, &register, hash).await).await
    });
    // The outbox is gone, so the committer ends with what it has.
    committer.join().map_err(|_| Failure::Failed("the change could not be committed".into()))?;
    let new = done.map_err(Failure::failed)?.value;
    eprintln!("{email} is an administrator now{}", if new { "" } else { ", with the new password" });
    Ok(())
}

/// One line of stdin; what is typed at a terminal is not shown.
fn ask() -> Result<Secret, Failure> {
    let at_terminal = io::stdin().is_terminal();
    if at_terminal {
        eprint!("Password: ");
        echo(false);
    }
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    if at_terminal {
        echo(true);
        eprintln!();
    }
    read.map_err(Failure::failed)?;
    Ok(Secret::new(line.trim_end_matches(['\r', '\n'])))
}

/// Where there is no `stty`, the password is shown as it is typed, which is no reason to refuse it.
fn echo(on: bool) {
    Command::new("stty").arg(if on { "echo" } else { "-echo" }).stdin(Stdio::inherit()).status().ok();
}
