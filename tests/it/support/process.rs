//! Herald as a process of its own, for what can only be done to a process.

use super::{Database, Herald, SECRET};
use std::{
    io::{BufRead as _, BufReader},
    ops::Deref,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

const START_WITHIN: Duration = Duration::from_secs(30);

pub struct Process {
    herald: Herald,
    child: Child,
    settings: Vec<(&'static str, String)>,
    pub database: Database,
}

impl Deref for Process {
    type Target = Herald;
    fn deref(&self) -> &Herald {
        &self.herald
    }
}

impl Process {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Started with more settings.
    pub async fn with(more: &[(&'static str, &str)]) -> Self {
        let database = Database::fresh().await;
        let settings: Vec<_> = more.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let (child, herald) = spawn(&database, "127.0.0.1:0", &settings);
        Self { herald, child, settings, database }
    }

    /// Herald's program with this database, for its commands.
    pub fn command(database: &Database) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_herald"));
        command
            .env_clear()
            .env("DATABASE_URL", &database.url)
            .env("JWT_SECRET", SECRET)
            .current_dir(database.dir.path());
        command
    }

    /// As a power cut would: nothing is written, nobody is told.
    pub fn kill_9(&mut self) {
        self.child.kill().expect("SIGKILL");
        self.child.wait().expect("its end");
    }

    /// SIGTERM, and how it ended.
    pub fn terminate(&mut self) -> (ExitStatus, Duration) {
        let asked = Instant::now();
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill");
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return (status, asked.elapsed());
            }
            assert!(asked.elapsed() < Duration::from_secs(20), "it did not stop");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Starts again on the same database and the same port.
    pub fn restart(&mut self) {
        let addr = self.herald.addr.to_string();
        let (child, herald) = spawn(&self.database, &addr, &self.settings);
        (self.child, self.herald) = (child, herald);
    }

    /// Resident memory in KiB, where the system says it.
    pub fn resident(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse().ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn spawn(database: &Database, addr: &str, settings: &[(&'static str, String)]) -> (Child, Herald) {
    let mut command = Process::command(database);
    command.env("HERALD_ADDR", addr).env("RUST_LOG", "info").env("WORKERS", "1");
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("herald starts");
    let lines = BufReader::new(child.stderr.take().expect("stderr")).lines();
    let (said, heard) = mpsc::channel();
    // Reads on until the end, so that the process never waits for somebody to read its log.
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if std::env::var_os("HERALD_TEST_LOG").is_some() {
                eprintln!("{line}");
            }
            said.send(line).ok();
        }
    });
    let mut log = Vec::new();
    loop {
        match heard.recv_timeout(START_WITHIN) {
            Ok(line) => log.push(line),
            Err(error) => {
                child.kill().ok();
                child.wait().ok();
                panic!("herald did not start ({error}):\n{}", log.join("\n"));
            }
        }
        let line = log.last().expect("a line");
        if let Some((_, addr)) = line.split_once("listening on http://") {
            let addr = addr.split_whitespace().next().and_then(|addr| addr.parse().ok()).expect("an address");
            return (child, Herald { addr });
        }
    }
}
