//! What a notification looks like as an e-mail. Pure.

use crate::ids::NotificationId;
use lettre::{
    Address, Message,
    message::{
        Mailbox,
        header::{ContentType, Header, HeaderName, HeaderValue, MIME_VERSION_1_0},
    },
};
use reqwest::Url;

/// Longest subject, in characters: what mail programs show of one.
const SUBJECT_MAX: usize = 78;
/// Longest text, in characters: the rest is read in the inbox.
const TEXT_MAX: usize = 10_000;

/// A notification and whom it is for.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) id: NotificationId,
    pub(super) message: String,
    pub(super) email: String,
    /// Given and family name.
    pub(super) name: [String; 2],
}

/// The same on every letter.
#[derive(Debug, Clone)]
pub(super) struct Letterhead {
    pub(super) from: Mailbox,
    /// Where the reader finds the inbox.
    pub(super) public_url: Option<Url>,
}

/// RFC 3834: no out-of-office answers, please.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".into())
    }
}

impl Letterhead {
    /// The e-mail of this notification: always with the same `Message-ID`, so that one that was sent twice
    /// (SMTP can't rule it out) can be recognised.
    ///
    /// # Errors
    /// When the user's address is none that SMTP knows.
    pub(super) fn write(&self, content: &Content) -> Result<Message, ()> {
        let address: Address = content.email.parse().map_err(drop)?;
        let name = line(&content.name.join(" "), SUBJECT_MAX);
        let subject = line(&content.message, SUBJECT_MAX);
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(Some(name).filter(|name| !name.is_empty()), address))
            .subject(if subject.is_empty() { "A notification for you".to_owned() } else { subject })
            .message_id(Some(format!("<{}@{}>", content.id, self.from.email.domain())))
            .header(AutoSubmitted)
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN)
            .body(self.text(&content.message))
            .map_err(drop)
    }

    fn text(&self, message: &str) -> String {
        let mut text = text(message);
        text.push_str("\n\n-- \nThis waits in your inbox; no app of yours has shown it yet.\n");
        if let Some(url) = &self.public_url {
            text.push_str(&format!("Read it there: {url}\n"));
        }
        text.push_str("To get no such e-mails, switch off \"notify by e-mail\" (notifyByEmail) in your preferences.\n");
        text
    }
}

/// As one line: no control characters, single blanks, not too long. Cut off before anything is encoded:
/// nothing that somebody wrote can begin another header.
fn line(text: &str, most: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most * 4).collect();
    let words: Vec<&str> = clean.split_whitespace().collect();
    cut(words.join(" "), most)
}

/// As text: lines, without other control characters, not too long.
fn text(text: &str) -> String {
    let clean = text.replace("\r\n", "\n").replace('\r', "\n");
    let clean: String = clean.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    cut(clean.trim_end().to_owned(), TEXT_MAX)
}

fn cut(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        let end = text[..end].char_indices().next_back().map_or(0, |(last, _)| last);
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn letterhead() -> Letterhead {
        Letterhead { from: "Herald <herald@example.com>".parse().expect("a mailbox"), public_url: None }
    }

    fn content(message: &str, email: &str, names: [&str; 2]) -> Content {
        let id = "0190a5b2-c3d4-7e8f-9a0b-1c2d3e4f5a6b".parse().expect("an id");
        Content { id, message: message.into(), email: email.into(), name: names.map(str::to_owned) }
    }

    fn written(message: &str, names: [&str; 2]) -> String {
        let letter = letterhead().write(&content(message, "ann@example.com", names)).expect("a letter");
        String::from_utf8(letter.formatted()).expect("text")
    }

    /// The names of the headers, in small letters.
    fn headers(letter: &str) -> Vec<String> {
        let (head, _) = letter.split_once("\r\n\r\n").expect("a head");
        let starts = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
        starts.map(|line| line.split_once(':').expect("a header").0.to_lowercase()).collect()
    }

    #[test]
    fn a_letter_says_whose_it_is_what_it_is_about_and_that_a_machine_wrote_it() {
        let letter = written("Your event was published", ["Ann", "Example"]);
        for line in [
            "From: Herald <herald@example.com>",
            "To: \"Ann Example\" <ann@example.com>",
            "Subject: Your event was published",
            "Message-ID: <0190a5b2-c3d4-7e8f-9a0b-1c2d3e4f5a6b@example.com>",
            "Auto-Submitted: auto-generated",
            "Content-Type: text/plain; charset=utf-8",
        ] {
            assert!(letter.contains(&format!("{line}\r\n")), "{line} in\n{letter}");
        }
        assert!(letter.contains("\r\n\r\nYour event was published\r\n"), "{letter}");
        assert!(letter.contains("notifyByEmail"), "{letter}");
    }

    #[test]
    fn the_inbox_is_named_where_there_is_an_address_for_it() {
        let public_url = Some(Url::parse("https://herald.example/app").expect("a URL"));
        let letter = Letterhead { public_url, ..letterhead() }.write(&content("Hi", "a@example.com", ["", ""]));
        let letter = String::from_utf8(letter.expect("a letter").formatted()).expect("text");
        assert!(letter.contains("https://herald.example/app\r\n"), "{letter}");
        assert!(letter.contains("To: a@example.com\r\n"), "without a name: {letter}");
    }

    #[test]
    fn a_message_that_says_nothing_has_a_subject_all_the_same_and_a_long_one_is_cut() {
        assert!(written(" \n\t", ["A", ""]).contains("Subject: A notification for you\r\n"));
        assert_eq!(line(&"ü".repeat(500), SUBJECT_MAX).chars().count(), SUBJECT_MAX);
        assert_eq!(line(&"a b ".repeat(500), SUBJECT_MAX).chars().count(), SUBJECT_MAX);
        assert_eq!(text(&"ü\r\n".repeat(TEXT_MAX)).chars().count(), TEXT_MAX);
        assert_eq!(line("just right", 10), "just right");
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        for email in ["ann@exam ple.com", "ann", "a\r\nRCPT TO:<x@y>@example.com", "@example.com"] {
            assert!(letterhead().write(&content("Hi", email, ["", ""])).is_err(), "{email}");
        }
    }

    proptest! {
        /// Whatever somebody writes: the same headers, each once, and all of it ASCII on the wire.
        #[test]
        fn nothing_that_is_written_makes_a_header(message in ".{0,300}", first in "(?s).{0,60}", last in "(?s).{0,60}") {
            let evil = format!("{message}\r\nBcc: eve@example.com\r\n\r\n.\r\nMAIL FROM:<x>");
            let letter = written(&evil, [&format!("{first}\r\nCc: eve@example.com"), &last]);
            let mut found = headers(&letter);
            found.sort();
            let expected = [
                "auto-submitted", "content-transfer-encoding", "content-type", "date", "from", "message-id",
                "mime-version", "subject", "to",
            ];
            prop_assert_eq!(found, expected);
            prop_assert!(letter.is_ascii());
        }
    }
}
