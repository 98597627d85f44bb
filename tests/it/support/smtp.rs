//! A real SMTP server (`mailin` speaks the protocol) on a port and threads of its own, in whatever mood a
//! test wants it.

use super::PATIENCE;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use mailin::{Action, AuthMechanism, Handler, Response, Session, SessionBuilder, response};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use std::{
    io::{self, BufRead as _, BufReader, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::watch;

/// How it behaves towards whoever comes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Mood {
    /// Takes every mail.
    #[default]
    Takes,
    /// Says 450 to this recipient.
    LaterFor(String),
    /// Says 550 to this recipient, repeating the address.
    Refuses(String),
    /// Says 421 to every recipient, and closes.
    Closes,
    /// Says 530 to every sender.
    WantsAnotherSender,
    /// Says nothing, not even hello.
    Hangs,
    /// Takes the mail, and then the line breaks before it can say so.
    BreaksAfterTaking,
}

/// How its lines are secured, and whether it wants a password (`herald`, `pass:word/ü`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Open,
    /// TLS from the first byte, and a password.
    Wrapped,
    /// STARTTLS, and a password.
    StartTls,
    /// A password, and no TLS at all.
    PasswordInTheClear,
}

/// A mail that it took.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// As it came over the line.
    pub raw: String,
}

#[derive(Default)]
struct Office {
    mood: Mutex<Mood>,
    mails: watch::Sender<Vec<Mail>>,
    lines: Mutex<Vec<TcpStream>>,
    visits: watch::Sender<usize>,
    passwords: AtomicUsize,
}

pub struct PostOffice {
    office: Arc<Office>,
    door: Door,
    pub addr: SocketAddr,
    open: Arc<Mutex<bool>>,
}

impl PostOffice {
    pub fn open() -> Self {
        Self::behind(Door::Open)
    }

    pub fn behind(door: Door) -> Self {
        let addr = (Ipv4Addr::LOCALHOST, 0).into();
        let mut made = Self { office: Arc::default(), door, addr, open: Arc::default() };
        made.opens_again();
        made
    }

    /// The `SMTP_URL` that leads here.
    pub fn url(&self) -> String {
        let port = self.addr.port();
        let login = "herald:pass%3Aword%2F%C3%BC";
        match self.door {
            Door::Open => format!("smtp://127.0.0.1:{port}"),
            Door::Wrapped => format!("smtps://{login}@localhost:{port}"),
            Door::StartTls | Door::PasswordInTheClear => format!("smtp://{login}@localhost:{port}?tls=required"),
        }
    }

    /// The file with the certificate that it shows.
    pub const fn certificate() -> &'static str {
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/smtp_tls/cert.pem")
    }

    pub fn is(&self, mood: Mood) {
        *lock(&self.office.mood) = mood;
    }

    /// All lines break, and nobody answers any more.
    pub fn closes(&self) {
        *lock(&self.open) = false;
        // Wakes whoever waits for the next visitor; from then on the port is closed.
        TcpStream::connect(self.addr).and_then(|mut stream| stream.read(&mut [0])).ok();
        for line in lock(&self.office.lines).drain(..) {
            line.shutdown(std::net::Shutdown::Both).ok();
        }
    }

    /// On the same port.
    pub fn opens_again(&mut self) {
        let listener = TcpListener::bind(self.addr).expect("a port");
        self.addr = listener.local_addr().expect("an address");
        let open = Arc::new(Mutex::new(true));
        self.open = open.clone();
        let (office, door) = (self.office.clone(), self.door);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if !*lock(&open) {
                    return;
                }
                lock(&office.lines).push(stream.try_clone().expect("a stream"));
                office.visits.send_modify(|visits| *visits += 1);
                let office = office.clone();
                std::thread::spawn(move || serve(stream, &office, door));
            }
        });
    }

    /// What it has taken until now.
    pub fn mails(&self) -> Vec<Mail> {
        self.office.mails.borrow().clone()
    }

    /// The one mail that it has taken.
    pub fn only(&self) -> Mail {
        let mails = self.mails();
        assert_eq!(mails.len(), 1, "{mails:#?}");
        mails[0].clone()
    }

    /// Waits until it has taken so many.
    pub async fn takes(&self, count: usize) -> Vec<Mail> {
        let mut mails = self.office.mails.subscribe();
        let taken = tokio::time::timeout(PATIENCE, mails.wait_for(|mails| mails.len() >= count)).await;
        taken.unwrap_or_else(|_| panic!("{count} mails: {:#?}", self.mails())).expect("an office").clone()
    }

    /// Connections so far.
    pub fn visits(&self) -> usize {
        *self.office.visits.borrow()
    }

    /// Waits until somebody came for the so many-th time.
    pub async fn is_visited(&self, count: usize) {
        let mut visits = self.office.visits.subscribe();
        let come = tokio::time::timeout(PATIENCE, visits.wait_for(|visits| *visits >= count)).await;
        come.expect("a visitor").expect("an office");
    }

    /// How often a password was said.
    pub fn passwords(&self) -> usize {
        self.office.passwords.load(Ordering::SeqCst)
    }
}

impl Drop for PostOffice {
    fn drop(&mut self) {
        self.closes();
    }
}

impl Mail {
    /// The header of this name, unfolded and decoded.
    pub fn header(&self, name: &str) -> String {
        let (head, _) = self.raw.split_once("\r\n\r\n").expect("a head");
        let head = head.replace("\r\n ", " ");
        let mut found = head.split("\r\n").filter_map(|line| line.split_once(": ")).filter(|(key, _)| *key == name);
        let (_, value) = found.next().unwrap_or_else(|| panic!("no {name}: {head}"));
        assert!(found.next().is_none(), "{name} twice: {head}");
        decoded_words(value)
    }

    /// Its text.
    pub fn text(&self) -> String {
        let (_, body) = self.raw.split_once("\r\n\r\n").expect("a body");
        let bytes = match self.header("Content-Transfer-Encoding").as_str() {
            "base64" => BASE64_STANDARD.decode(body.replace("\r\n", "")).expect("base64"),
            "quoted-printable" => unquoted(body),
            _ => body.as_bytes().to_vec(),
        };
        String::from_utf8(bytes).expect("UTF-8").replace("\r\n", "\n")
    }
}

/// `=?utf-8?b?…?=` (RFC 2047), as lettre writes it.
fn decoded_words(value: &str) -> String {
    let mut text = String::new();
    for (index, part) in value.replace("?= =?", "?==?").split("=?utf-8?b?").enumerate() {
        let (word, rest) = if index == 0 { ("", part) } else { part.split_once("?=").expect("an encoded word") };
        text.push_str(&String::from_utf8(BASE64_STANDARD.decode(word).expect("base64")).expect("UTF-8"));
        text.push_str(rest);
    }
    text
}

fn unquoted(body: &str) -> Vec<u8> {
    let body = body.replace("=\r\n", "");
    let mut bytes = body.bytes();
    let mut plain = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte == b'=' {
            let hex = [bytes.next().expect("a digit"), bytes.next().expect("a digit")];
            plain.push(u8::from_str_radix(std::str::from_utf8(&hex).expect("ASCII"), 16).expect("a byte"));
        } else {
            plain.push(byte);
        }
    }
    plain
}

fn lock<T>(what: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What happens on one line.
struct Clerk<'a> {
    office: &'a Office,
    writing: Mail,
    bytes: Vec<u8>,
}

impl Handler for Clerk<'_> {
    fn mail(&mut self, _: IpAddr, _: &str, from: &str) -> Response {
        self.writing = Mail { from: from.to_owned(), ..Mail::default() };
        self.bytes.clear();
        let mood = lock(&self.office.mood).clone();
        if mood == Mood::WantsAnotherSender { response::AUTHENTICATION_REQUIRED } else { response::OK }
    }

    fn rcpt(&mut self, to: &str) -> Response {
        match lock(&self.office.mood).clone() {
            Mood::Closes => Response::custom(421, "busy".into()),
            Mood::LaterFor(them) if them == to => Response::custom(450, "greylisted".into()),
            Mood::Refuses(them) if them == to => Response::custom(550, format!("<{to}> does not live here")),
            _ => {
                self.writing.to.push(to.to_owned());
                response::OK
            }
        }
    }

    fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend(bytes);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let mut mail = std::mem::take(&mut self.writing);
        mail.raw = String::from_utf8(std::mem::take(&mut self.bytes)).expect("UTF-8");
        self.office.mails.send_modify(|mails| mails.push(mail));
        response::OK
    }

    fn auth_plain(&mut self, _: &str, user: &str, password: &str) -> Response {
        self.office.passwords.fetch_add(1, Ordering::SeqCst);
        let right = (user, password) == ("herald", "pass:word/ü");
        if right { response::AUTH_OK } else { response::INVALID_CREDENTIALS }
    }
}

trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

fn serve(stream: TcpStream, office: &Office, door: Door) {
    let mut builder = SessionBuilder::new("post.example");
    if door != Door::Open {
        builder.enable_auth(AuthMechanism::Plain);
    }
    match door {
        Door::StartTls => drop(builder.enable_start_tls()),
        Door::PasswordInTheClear => drop(builder.insecure_enable_plaintext_auth()),
        Door::Open | Door::Wrapped => {}
    }
    let clerk = Clerk { office, writing: Mail::default(), bytes: Vec::new() };
    let mut session = builder.build(IpAddr::V4(Ipv4Addr::LOCALHOST), clerk);
    let line = stream.try_clone().expect("a stream");
    let wire = if door == Door::Wrapped {
        session.tls_active();
        secured(stream)
    } else {
        Box::new(stream)
    };
    // Whoever talks to it goes away as they please.
    talk(wire, &mut session, office).ok();
    line.shutdown(std::net::Shutdown::Both).ok();
}

fn talk(wire: Box<dyn Wire>, session: &mut Session<Clerk<'_>>, office: &Office) -> io::Result<()> {
    let mut wire = BufReader::new(wire);
    let mood = || lock(&office.mood).clone();
    if mood() != Mood::Hangs {
        session.greeting().write_to(&mut wire.get_mut())?;
    }
    let mut line = Vec::new();
    while wire.read_until(b'\n', &mut line)? > 0 {
        let before = office.mails.borrow().len();
        let answer = session.process(&line);
        line.clear();
        let taken = office.mails.borrow().len() > before;
        match mood() {
            Mood::Hangs => continue,
            Mood::BreaksAfterTaking if taken => return Ok(()),
            _ => {}
        }
        // In one piece, as a server would.
        wire.get_mut().write_all(&answer.buffer()?)?;
        wire.get_mut().flush()?;
        match answer.action {
            Action::Close => return Ok(()),
            Action::UpgradeTls => {
                session.tls_active();
                wire = BufReader::new(secured(wire.into_inner()));
            }
            Action::Reply | Action::NoReply => {}
        }
    }
    Ok(())
}

fn secured(wire: impl Wire + 'static) -> Box<dyn Wire> {
    let chain = CertificateDer::from_pem_slice(include_bytes!("smtp_tls/cert.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("smtp_tls/key.pem")).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("TLS");
    let config = config.with_no_client_auth().with_single_cert(vec![chain], key).expect("a pair");
    Box::new(StreamOwned::new(ServerConnection::new(Arc::new(config)).expect("TLS"), wire))
}
