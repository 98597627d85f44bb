//! The command line.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddrV4},
    str::FromStr,
};

/// What `--help` prints.
pub const HELP: &str = r#"herald-load MODE [options]

MODE     fanout | idle | echo | resume
common
  --url HOST:PORT[,HOST:PORT..]  server addresses, IPv4, used in turn (default 127.0.0.1:3000)
  --src IP[,IP..]                source addresses, used in turn (default: the kernel's choice)
  --path P                       default /socket.io/?EIO=4&transport=websocket
  --header 'K: V'                extra handshake header, repeatable
  --clients N                    default 100
  --connect-concurrency N        handshakes in flight (default 64)
  --tokens FILE                  one token a line, used in turn
  --auth T                       CONNECT auth, {token} is replaced (default {"token":"{token}"}); needs --tokens
  --after-connect PACKET         sent once connected, e.g. '42["join",{"room":"topic-a"}]'
  --pid PID                      the server's process: its memory and CPU are read from /proc
  --label TEXT                   copied to the output
  --receive-buffer N             SO_RCVBUF of the clients
  --seconds S --warmup S         default 5 and 1
  --event NAME                   the event that counts (default changed_record)
  --marker TEXT                  what stands before the number in it (default "n":)
fanout
  --trigger-url HOST:PORT        default: the first --url
  --trigger-method M             default POST
  --trigger-path P               default /emit   ({seq} and {mod:K} are replaced)
  --trigger-header 'K: V'        repeatable
  --trigger-conns K              keep-alive HTTP connections (default 1: keeps strict order)
  --body T                       {seq}, {mod:K} and {pad:K} are replaced
  --window W                     closed loop: broadcasts in flight (default 1)
  --rate R                       open loop: broadcasts a second (0: closed loop)
  --gate delivery|http           what frees a place in the closed loop (default delivery)
echo
  --echo-packet T                default 42{id}["echo",{"x":"{pad:32}"}]   ({id} is replaced)
  --depth D                      packets in flight for each client (default 1)
resume
  --expect M                     events that each client has missed; --auth says after what
"#;

/// What is measured.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Mode {
    /// Broadcasts to all clients.
    Fanout,
    /// Clients that do nothing.
    Idle,
    /// Packets that are acknowledged.
    Echo,
    /// Clients that come back and have missed something.
    Resume,
}

/// What lets the next broadcast of the closed loop go.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Gate {
    /// Every client has an earlier one.
    Delivery,
    /// The answer to an earlier request: an HTTP load test with listeners.
    Http,
}

/// Everything that can be asked for. The fields are the options of [`HELP`].
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "HELP documents each")]
pub struct Options {
    pub mode: Mode,
    pub label: String,
    pub servers: Vec<SocketAddrV4>,
    pub sources: Vec<Ipv4Addr>,
    pub path: String,
    pub headers: Vec<String>,
    pub clients: usize,
    pub connect_concurrency: usize,
    pub tokens: Vec<String>,
    pub auth: String,
    pub after_connect: Option<String>,
    pub event: String,
    pub marker: String,
    pub trigger_server: Option<SocketAddrV4>,
    pub trigger_method: String,
    pub trigger_path: String,
    pub trigger_headers: Vec<String>,
    pub trigger_connections: usize,
    pub body: String,
    pub window: usize,
    pub rate: f64,
    pub seconds: f64,
    pub warmup: f64,
    pub gate: Gate,
    pub pid: Option<u32>,
    pub depth: usize,
    pub echo_packet: String,
    pub expect: u64,
    pub receive_buffer: i32,
}

impl Options {
    fn new(mode: Mode) -> Self {
        Self {
            mode,
            label: String::new(),
            servers: vec![SocketAddrV4::new(Ipv4Addr::LOCALHOST, 3000)],
            sources: vec![],
            path: "/socket.io/?EIO=4&transport=websocket".into(),
            headers: vec![],
            clients: 100,
            connect_concurrency: 64,
            tokens: vec![],
            auth: r#"{"token":"{token}"}"#.into(),
            after_connect: None,
            event: "changed_record".into(),
            marker: r#""n":"#.into(),
            trigger_server: None,
            trigger_method: "POST".into(),
            trigger_path: "/emit".into(),
            trigger_headers: vec![],
            trigger_connections: 1,
            body: r#"{"n":{seq},"name":"{pad:150}"}"#.into(),
            window: 1,
            rate: 0.0,
            seconds: 5.0,
            warmup: 1.0,
            gate: Gate::Delivery,
            pid: None,
            depth: 1,
            echo_packet: r#"42{id}["echo",{"x":"{pad:32}"}]"#.into(),
            expect: 0,
            receive_buffer: 0,
        }
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        match name {
            "--label" => self.label = value,
            "--url" => self.servers = list(name, &value)?,
            "--src" => self.sources = list(name, &value)?,
            "--path" => self.path = value,
            "--header" => self.headers.push(value),
            "--clients" => self.clients = read(name, &value)?,
            "--connect-concurrency" => self.connect_concurrency = read(name, &value)?,
            "--tokens" => self.tokens = lines(&value)?,
            "--auth" => self.auth = value,
            "--after-connect" => self.after_connect = Some(value),
            "--event" => self.event = value,
            "--marker" => self.marker = value,
            "--trigger-url" => self.trigger_server = Some(read(name, &value)?),
            "--trigger-method" => self.trigger_method = value,
            "--trigger-path" => self.trigger_path = value,
            "--trigger-header" => self.trigger_headers.push(value),
            "--trigger-conns" => self.trigger_connections = read(name, &value)?,
            "--body" => self.body = value,
            "--window" => self.window = read(name, &value)?,
            "--rate" => self.rate = read(name, &value)?,
            "--seconds" => self.seconds = read(name, &value)?,
            "--warmup" => self.warmup = read(name, &value)?,
            "--gate" if value == "http" => self.gate = Gate::Http,
            "--gate" if value == "delivery" => self.gate = Gate::Delivery,
            "--gate" => return Err(format!("--gate: {value}")),
            "--pid" => self.pid = Some(read(name, &value)?),
            "--depth" => self.depth = read(name, &value)?,
            "--echo-packet" => self.echo_packet = value,
            "--expect" => self.expect = read(name, &value)?,
            "--receive-buffer" => self.receive_buffer = read(name, &value)?,
            _ => return Err(format!("no option {name}")),
        }
        Ok(())
    }
}

/// Reads the arguments after the program's name.
pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mode = match arguments.next().as_deref() {
        Some("fanout") => Mode::Fanout,
        Some("idle") => Mode::Idle,
        Some("echo") => Mode::Echo,
        Some("resume") => Mode::Resume,
        _ => return Err("MODE is one of fanout, idle, echo, resume".into()),
    };
    let mut options = Options::new(mode);
    while let Some(name) = arguments.next() {
        if name == "--help" {
            return Err(String::new());
        }
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        options.set(&name, value)?;
    }
    if options.servers.is_empty() || options.clients == 0 || options.depth == 0 || options.window == 0 {
        return Err("there has to be a server, a client, a place in the window, and a depth of 1".into());
    }
    Ok(options)
}

fn read<T: FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name}: {value:?} can't be read"))
}

fn list<T: FromStr>(name: &str, value: &str) -> Result<Vec<T>, String> {
    value.split(',').map(|one| read(name, one)).collect()
}

fn lines(path: &str) -> Result<Vec<String>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect())
}
