//! The connection to the SMTP server: one, used again while all goes well.
//!
//! lettre's own transport has no time limit on an answer, and would put a connection back into its pool
//! whose answer somebody stopped waiting for; then each answer would be taken for the next one's. Here a
//! connection is kept only after a mail that was taken.

use super::smtp_server::{Security, SmtpServer};
use lettre::{
    Message,
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Rcpt, Rset},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};
use std::{future::Future, time::Duration};
use tokio::time::timeout;

/// After the last byte of a mail a server may first look through it: it gets so many times as long as for
/// anything else. Who gives up here sends a mail twice that was taken.
const LAST_ANSWER: u32 = 3;
/// The server closes the connection, whatever it was about.
const CLOSING: u16 = 421;

/// What became of one mail. The text says why, without addresses or words of the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The server has it.
    Taken,
    /// The server will never take it.
    Refused(String),
    /// The server does not take this one now.
    Later(String),
    /// Nothing can be sent now.
    Away(String),
}

/// See the file's head.
pub(super) struct Line {
    server: SmtpServer,
    tls: Option<TlsParameters>,
    hello: ClientId,
    patience: Duration,
    open: Option<AsyncSmtpConnection>,
}

impl Line {
    /// Reads the system's certificates; connects when the first mail is to be sent. `name`: how this
    /// machine calls itself.
    ///
    /// # Errors
    /// When the system's certificates can't be read.
    pub(super) fn new(server: SmtpServer, name: Option<&str>, patience: Duration) -> Result<Self, Error> {
        let tls = match server.security {
            Security::Plain => None,
            _ => Some(TlsParameters::new(server.host.clone())?),
        };
        let hello = name.map_or_else(ClientId::default, |name| ClientId::Domain(name.to_owned()));
        Ok(Self { server, tls, hello, patience, open: None })
    }

    /// Hands one mail over.
    pub(super) async fn carry(&mut self, letter: &Message) -> Outcome {
        // Taken out: however this ends, nothing is left that is out of step with the server.
        let open = self.open.take();
        let mut line = match within(self.patience, self.connected(open)).await {
            Ok(line) => line,
            Err(failure) => return Outcome::Away(failure.what()),
        };
        let outcome = self.say(&mut line, letter).await;
        let in_step = match outcome {
            Outcome::Taken => true,
            Outcome::Refused(_) | Outcome::Later(_) => within(self.patience, line.command(Rset)).await.is_ok(),
            Outcome::Away(_) => false,
        };
        self.open = Some(line).filter(|_| in_step);
        outcome
    }

    async fn say(&self, line: &mut AsyncSmtpConnection, letter: &Message) -> Outcome {
        let ascii = letter.envelope().to().iter().all(|to| AsRef::<str>::as_ref(to).is_ascii());
        if !ascii && !line.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Outcome::Refused("the server takes no address outside ASCII".into());
        }
        // What the server has against the sender is not about this mail, whatever the number of its answer.
        if let Err(failure) = within(self.patience, begin(line, letter, ascii)).await {
            return Outcome::Away(failure.what());
        }
        let sent = match within(self.patience, address(line, letter)).await {
            Ok(()) => within(self.patience * LAST_ANSWER, send(line, letter)).await,
            Err(failure) => Err(failure),
        };
        match sent {
            Ok(()) => Outcome::Taken,
            Err(Failure::Smtp(error)) if error.is_permanent() => Outcome::Refused(said(&error)),
            Err(Failure::Smtp(error)) if error.is_transient() && !closing(&error) => Outcome::Later(said(&error)),
            Err(failure) => Outcome::Away(failure.what()),
        }
    }

    /// Says good-bye, if there is anybody to say it to.
    pub(super) async fn hang_up(&mut self) {
        if let Some(mut line) = self.open.take() {
            timeout(self.patience, line.quit()).await.ok();
        }
    }

    /// The line that is open, if it still is one, else a new one.
    async fn connected(&self, open: Option<AsyncSmtpConnection>) -> Result<AsyncSmtpConnection, Error> {
        if let Some(mut line) = open
            && line.test_connected().await
        {
            return Ok(line);
        }
        let SmtpServer { host, port, security, login } = &self.server;
        let wrapped = self.tls.clone().filter(|_| *security == Security::Wrapped);
        let at = (host.as_str(), *port);
        let mut line = AsyncSmtpConnection::connect_tokio1(at, Some(self.patience), &self.hello, wrapped, None).await?;
        let start = match security {
            Security::Required => true,
            Security::Opportunistic => line.can_starttls(),
            Security::Wrapped | Security::Plain => false,
        };
        if let Some(tls) = self.tls.clone().filter(|_| start) {
            line.starttls(tls, &self.hello).await?;
        }
        if let Some((user, password)) = login {
            let credentials = Credentials::new(user.clone(), password.expose().to_owned());
            line.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        Ok(line)
    }
}

/// Who sends.
async fn begin(line: &mut AsyncSmtpConnection, letter: &Message, ascii: bool) -> Result<(), Error> {
    let parameters = if ascii {
        Vec::new()
    } else {
        vec![MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)]
    };
    line.command(Mail::new(letter.envelope().from().cloned(), parameters)).await.map(drop)
}

/// Who gets it.
async fn address(line: &mut AsyncSmtpConnection, letter: &Message) -> Result<(), Error> {
    for to in letter.envelope().to() {
        line.command(Rcpt::new(to.clone(), Vec::new())).await?;
    }
    line.command(Data).await.map(drop)
}

async fn send(line: &mut AsyncSmtpConnection, letter: &Message) -> Result<(), Error> {
    line.message(&letter.formatted()).await.map(drop)
}

enum Failure {
    TooSlow,
    Smtp(Error),
}

impl Failure {
    fn what(&self) -> String {
        match self {
            Self::TooSlow => "no answer in time".into(),
            Self::Smtp(error) => said(error),
        }
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
    match timeout(limit, work).await {
        Ok(outcome) => outcome.map_err(Failure::Smtp),
        Err(_) => Err(Failure::TooSlow),
    }
}

/// What went wrong, for the log: of an answer its number alone, since servers repeat addresses.
fn said(error: &Error) -> String {
    match error.status() {
        Some(code) => format!("the server said {code}"),
        None if error.is_response() => "the server said something that is not SMTP, or nothing more".into(),
        None => error.to_string(),
    }
}

fn closing(error: &Error) -> bool {
    error.status().is_some_and(|code| u16::from(code) == CLOSING)
}
