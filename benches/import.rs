//! How quick other requests stay while a large file is imported: `cargo bench --bench import`.
//!
//! Herald runs in this process, on a SQLite file in a temporary directory. In each round, first
//! nothing but the measured requests runs, then an import, whose progress its owner follows over
//! `/ws`. The measured requests are somebody else's: one event is read and one draft is changed, in
//! turn, with a pause between. Arguments: rows (100000), rounds (3).

use futures_util::StreamExt as _;
use herald::{
    config::{Config, Given},
    server::Server,
};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    error::Error,
    fmt::Write as _,
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot},
};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const SECRET: &str = "a secret that only this benchmark knows, 32 bytes or more";
/// How long each idle phase is.
const IDLE: Duration = Duration::from_secs(8);
/// Between two measured requests.
const PAUSE: Duration = Duration::from_millis(2);

fn main() -> Outcome<()> {
    // Needed by the client, also for plain HTTP.
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<usize>().ok());
    let (rows, rounds) = (numbers.next().unwrap_or(100_000), numbers.next().unwrap_or(3));
    let dir = tempfile::tempdir()?;
    let text = |name: &str| dir.path().join(name).display().to_string();
    let env = [
        ("HERALD_ADDR", "127.0.0.1:0".to_owned()),
        ("DATABASE_URL", format!("sqlite:{}", text("herald.db"))),
        ("UPLOADS_DIR", text("files")),
        ("JWT_SECRET", SECRET.to_owned()),
        ("WORKERS", "1".to_owned()),
    ];
    let env: HashMap<String, String> = env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let config = Config::read(Given { env, ..Given::default() }, false).map_err(|faults| faults.join("\n"))?;
    let server = Server::bind(config)?;
    let addr = server.addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = std::thread::spawn(move || server.run(async { drop(stopped.await) }));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(measure(addr, rows, rounds))?;
    drop(stop);
    serving.join().map_err(|_| "the server panicked")??;
    Ok(())
}

async fn measure(addr: SocketAddr, rows: usize, rounds: usize) -> Outcome<()> {
    let (ann, bob) = (Caller::new(addr)?, Caller::new(addr)?);
    let id = bob.draft().await?;
    let file = table(rows);
    say(&format!("{rows} rows, {:.1} MB; {rounds} rounds", file.len() as f64 / 1e6));
    say(
        "| round | idle GET p50/p99 ms | import GET p50/p99 ms | idle PUT p50/p99 ms | import PUT p50/p99 ms | p99 ratio GET, PUT | rows/s | RSS before, peak, growth MB |",
    );
    let mut ratios = [Vec::new(), Vec::new()];
    let mut rates = Vec::new();
    let mut growths = Vec::new();
    for round in 0..=rounds {
        let resting = rss();
        let idle = bob.requests_until(&id, tokio::time::sleep(if round == 0 { IDLE / 4 } else { IDLE })).await?;
        let mut follower = ann.follow().await?;
        let began = Instant::now();
        // The first round only warms up, with few rows.
        let file = if round == 0 { table(1_000) } else { file.clone() };
        let count = if round == 0 { 1_000 } else { rows };
        let job = ann.import(file).await?;
        let ended = async {
            while let Some(state) = follower.recv().await {
                if state.job == job && state.over {
                    break;
                }
            }
        };
        let mut peak = resting;
        let watched = async {
            let mut ended = std::pin::pin!(ended);
            loop {
                peak = peak.max(rss());
                tokio::select! {
                    () = &mut ended => return,
                    () = tokio::time::sleep(Duration::from_millis(50)) => {}
                }
            }
        };
        let busy = bob.requests_until(&id, watched).await?;
        let rate = count as f64 / began.elapsed().as_secs_f64();
        if round == 0 {
            continue;
        }
        let ratio = [0, 1].map(|kind| at(&busy[kind], 99) / at(&idle[kind], 99));
        let pair = |times: &Vec<f64>| format!("{:.2} / {:.2}", at(times, 50), at(times, 99));
        say(&format!(
            "| {round} | {} | {} | {} | {} | {:.2}, {:.2} | {rate:.0} | {:.0}, {:.0}, {:.0} |",
            pair(&idle[0]),
            pair(&busy[0]),
            pair(&idle[1]),
            pair(&busy[1]),
            ratio[0],
            ratio[1],
            resting,
            peak,
            peak - resting,
        ));
        (0..2).for_each(|kind| ratios[kind].push(ratio[kind]));
        rates.push(rate);
        growths.push(peak - resting);
    }
    let [get, put] = ratios.map(median);
    say(&format!(
        "medians: p99 ratio GET {get:.2}, PUT {put:.2}; {:.0} rows/s; RSS growth {:.0} MB",
        median(rates),
        median(growths)
    ));
    Ok(())
}

/// A file as spreadsheets write it.
fn table(rows: usize) -> Vec<u8> {
    let mut text = String::from("description,start,end,location,descriptionLong\n");
    for n in 0..rows {
        let (day, hour) = (n % 28 + 1, n % 20);
        writeln!(
            text,
            "Event number {n},2030-05-{day:02}T{hour:02}:00:00Z,2030-05-{day:02}T{:02}:30:00Z,Room {},\"What there is to say, in a line\"",
            hour + 1,
            n % 50
        )
        .ok();
    }
    text.into_bytes()
}

struct Caller {
    addr: SocketAddr,
    token: String,
    http: reqwest::Client,
}

/// What a follower hears of a job.
struct Heard {
    job: String,
    over: bool,
}

impl Caller {
    /// Somebody of another issuer's.
    fn new(addr: SocketAddr) -> Outcome<Self> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
        let [sub, sid] = [uuid::Uuid::now_v7(), uuid::Uuid::now_v7()];
        let claims = json!({
            "sub": sub, "sid": sid, "roles": ["USER"], "iss": "herald", "aud": "herald", "iat": now, "exp": now + 86_400,
        });
        let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key)?;
        Ok(Self { addr, token, http: reqwest::Client::builder().tcp_nodelay(true).build()? })
    }

    fn call(&self, method: &str, path: &str) -> Outcome<reqwest::RequestBuilder> {
        let url = format!("http://{}/v1{path}", self.addr);
        Ok(self.http.request(method.parse()?, url).bearer_auth(&self.token))
    }

    async fn draft(&self) -> Outcome<String> {
        let draft = json!({ "description": "Tea", "start": "2030-01-01T15:00:00Z", "end": "2030-01-01T16:00:00Z" });
        id_of(self.call("POST", "/events")?.header("content-type", "application/json").body(draft.to_string())).await
    }

    async fn import(&self, file: Vec<u8>) -> Outcome<String> {
        let form = Form::new().part("file", Part::bytes(file).file_name("events.csv"));
        id_of(self.call("POST", "/events/import")?.multipart(form)).await
    }

    /// Reads an event and changes it, in turn, until something else ends; the times in ms.
    async fn requests_until(&self, id: &str, end: impl Future<Output = ()>) -> Outcome<[Vec<f64>; 2]> {
        let mut times = [Vec::new(), Vec::new()];
        let path = format!("/events/{id}");
        let asking = async {
            for n in 0_u64.. {
                let change = json!({ "description": format!("Tea number {n}") }).to_string();
                let calls = [
                    self.call("GET", &path)?,
                    self.call("PUT", &path)?.header("content-type", "application/json").body(change),
                ];
                for (call, times) in calls.into_iter().zip(&mut times) {
                    let began = Instant::now();
                    call.send().await?.error_for_status()?.bytes().await?;
                    times.push(began.elapsed().as_secs_f64() * 1e3);
                    tokio::time::sleep(PAUSE).await;
                }
            }
            Outcome::Ok(())
        };
        tokio::select! {
            () = end => {}
            broken = asking => broken?,
        }
        times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
        Ok(times)
    }

    /// Follows over `/ws` until the receiver is dropped.
    async fn follow(&self) -> Outcome<mpsc::UnboundedReceiver<Heard>> {
        let mut request = format!("ws://{}/ws", self.addr).into_client_request()?;
        request.headers_mut().insert("authorization", format!("Bearer {}", self.token).parse()?);
        let stream = TcpStream::connect(self.addr).await?;
        let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await?;
        let (tell, heard) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(message)) = socket.next().await {
                match message {
                    Message::Text(text) if text.contains("\"type\":\"JOB\"") => {
                        let Ok(notice) = serde_json::from_str::<Value>(&text) else { break };
                        let record = &notice["data"]["record"];
                        let job = record["id"].as_str().unwrap_or_default().to_owned();
                        let over = matches!(record["state"].as_str(), Some("DONE" | "ERROR"));
                        if tell.send(Heard { job, over }).is_err() {
                            break;
                        }
                    }
                    Message::Close(_) => break,
                    _ => {}
                }
            }
            socket.close(None).await.ok();
        });
        Ok(heard)
    }
}

async fn id_of(call: reqwest::RequestBuilder) -> Outcome<String> {
    let answer: Value = call.send().await?.error_for_status()?.json().await?;
    Ok(answer["id"].as_str().ok_or("no id")?.to_owned())
}

/// Of sorted times.
fn at(times: &[f64], percent: usize) -> f64 {
    times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    at(&values, 50)
}

/// Resident memory of this process in MB, the clients' part included.
fn rss() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}

#[expect(clippy::print_stdout, reason = "this is what a benchmark is for")]
fn say(line: &str) {
    println!("{line}");
}
