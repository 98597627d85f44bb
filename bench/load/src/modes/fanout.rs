//! Broadcasts, caused by HTTP requests, to all clients.

use super::{Marked, broadcasts::Broadcasts, window::Mark};
use crate::{
    histogram::Histogram,
    json::Json,
    options::{Gate, Options},
    swarm::{Arrival, Connected, Swarm, WORK, Work, nanos},
    sys::{
        SECOND,
        epoll::{Epoll, Interest},
        process::now,
    },
    template::expand,
    trigger::{Answer, Trigger},
};
use std::{io, net::SocketAddrV4};

/// After the last request, what is under way may arrive for so long.
const GRACE: u64 = 5 * SECOND;
/// For so many seconds after connecting nothing is sent: what follows a CONNECT (rooms, garbage) is over then.
const SETTLE: f64 = 0.5;

struct Fanout {
    marked: Marked,
    broadcasts: Broadcasts,
    server: SocketAddrV4,
    triggers: Vec<Trigger>,
    answers: u64,
    answer_times: Histogram,
    refused: u64,
    first_error: Option<String>,
}

impl Work for Fanout {
    #[inline]
    fn packet(&mut self, arrival: Arrival, packet: &[u8], _: &mut Vec<u8>) {
        if let Some(number) = self.marked.number(packet) {
            self.broadcasts.receive(arrival.client, number, arrival.at, arrival.size);
        }
    }

    fn own_socket(&mut self, number: usize, epoll: &Epoll, buffer: &mut [u8]) {
        match self.triggers[number].read(buffer) {
            Answer::Nothing => {}
            Answer::Status(status) => self.answered(number, status),
            Answer::Closed => {
                // A new one in its place; if that fails this one stays busy for ever, and the run shows it.
                self.triggers[number].busy = true;
                match Trigger::open(self.server) {
                    Ok(trigger) if watch(epoll, &trigger, number).is_ok() => self.triggers[number] = trigger,
                    _ => self.note("a trigger connection was closed and can't be opened again".into()),
                }
            }
        }
    }
}

impl Fanout {
    fn answered(&mut self, number: usize, status: u16) {
        if !(200..300).contains(&status) {
            self.refused += 1;
            self.note(format!("status {status}"));
        }
        let (at, sent_at) = (now(), self.triggers[number].sent_at);
        if (self.broadcasts.from..self.broadcasts.until).contains(&at) {
            self.answers += 1;
            if sent_at >= self.broadcasts.from {
                self.answer_times.add(at - sent_at);
            }
        }
    }

    fn note(&mut self, problem: String) {
        self.first_error.get_or_insert(problem);
    }

    fn free(&self) -> Option<usize> {
        self.triggers.iter().position(|trigger| !trigger.busy)
    }
}

fn watch(epoll: &Epoll, trigger: &Trigger, number: usize) -> io::Result<()> {
    epoll.add(&trigger.socket, WORK + number as u64, Interest::ReadOnce)
}

pub(super) fn run(options: Options) -> io::Result<Json> {
    let work = Fanout {
        marked: Marked::new(&options),
        broadcasts: Broadcasts::new(options.clients),
        server: options.trigger_server.unwrap_or(options.servers[0]),
        triggers: vec![],
        answers: 0,
        answer_times: Histogram::default(),
        refused: 0,
        first_error: None,
    };
    let mut swarm = Swarm::new(options, work)?;
    let connected = swarm.connect()?;
    for number in 0..swarm.options.trigger_connections {
        let trigger = Trigger::open(swarm.work.server)?;
        watch(&swarm.epoll, &trigger, number)?;
        swarm.work.triggers.push(trigger);
    }
    swarm.poll_for(SETTLE);

    let warm = now() + nanos(swarm.options.warmup);
    let mut due = now();
    drive(&mut swarm, &mut due, warm);
    let begin = Mark::now(swarm.options.pid);
    swarm.work.broadcasts.from = begin.at;
    swarm.reads = 0;
    let measured = begin.at + nanos(swarm.options.seconds);
    drive(&mut swarm, &mut due, measured);
    let end = Mark::now(swarm.options.pid);
    swarm.work.broadcasts.until = end.at;

    let until = now() + GRACE;
    while swarm.work.broadcasts.in_flight > 0 && now() < until {
        swarm.poll(20);
    }
    Ok(report(&swarm, &connected, &begin, &end))
}

/// Sends broadcasts as the options say, until `until`. `due` is when the open loop sends the next.
fn drive(swarm: &mut Swarm<Fanout>, due: &mut u64, until: u64) {
    let step = if swarm.options.rate > 0.0 { nanos(1.0 / swarm.options.rate) } else { 0 };
    loop {
        let at = now();
        if at >= until {
            return;
        }
        swarm.work.broadcasts.give_up(at);
        let wait = if step > 0 { open_loop(swarm, due, step, at) } else { closed_loop(swarm) };
        swarm.poll(wait);
    }
}

/// Sends what is due: its latency counts from then, so that a server that stalls can't hide it. Answers with
/// milliseconds until the next is due, less one, as sleeping is not exact to the millisecond.
fn open_loop(swarm: &mut Swarm<Fanout>, due: &mut u64, step: u64, at: u64) -> i32 {
    while *due <= at {
        let Some(trigger) = swarm.work.free() else { break };
        fire(swarm, trigger, *due);
        *due += step;
    }
    const MILLISECOND: u64 = SECOND / 1000;
    (due.saturating_sub(now()) / MILLISECOND).saturating_sub(1).min(50) as i32
}

fn closed_loop(swarm: &mut Swarm<Fanout>) -> i32 {
    while swarm.options.gate == Gate::Http || swarm.work.broadcasts.in_flight < swarm.options.window {
        let Some(trigger) = swarm.work.free() else { break };
        fire(swarm, trigger, now());
    }
    50
}

fn fire(swarm: &mut Swarm<Fanout>, trigger: usize, at: u64) {
    let (options, work) = (&swarm.options, &mut swarm.work);
    let number = work.broadcasts.next();
    let (path, body) = (expand(&options.trigger_path, number), expand(&options.body, number));
    let mut request = format!(
        "{} {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
        options.trigger_method,
        body.len()
    );
    for header in &options.trigger_headers {
        request.push_str(header);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    request.push_str(&body);
    work.broadcasts.send(at, swarm.live);
    if let Err(error) = work.triggers[trigger].send(request.as_bytes()) {
        work.refused += 1;
        work.note(format!("request: {error}"));
    }
}

fn report(swarm: &Swarm<Fanout>, connected: &Connected, begin: &Mark, end: &Mark) -> Json {
    let (options, work) = (&swarm.options, &swarm.work);
    let (broadcasts, seconds) = (&work.broadcasts, begin.seconds_until(end));
    let deliveries = broadcasts.deliveries as f64;
    let json = Json::default()
        .text("mode", "fanout")
        .text("label", &options.label)
        .number("clients", options.clients as f64)
        .number("window", options.window as f64)
        .number("rate", options.rate)
        .number("seconds", seconds)
        .number("deliveries_per_s", deliveries / seconds)
        .number("broadcasts_per_s", deliveries / seconds / options.clients as f64)
        .number("http_per_s", work.answers as f64 / seconds)
        .number("mb_per_s", broadcasts.bytes as f64 / seconds / 1e6)
        .object("latency_ms", &broadcasts.latency.json())
        .object("last_ms", &broadcasts.last.json())
        .object("http_ms", &work.answer_times.json())
        .number("sent", broadcasts.next() as f64)
        .number("lost", broadcasts.lost() as f64)
        .number("doubled", broadcasts.doubled as f64)
        .number("out_of_order", broadcasts.out_of_order as f64)
        .number("disconnects", swarm.disconnects as f64)
        .number("refused", work.refused as f64)
        .number("reads_per_delivery", swarm.reads as f64 / deliveries)
        .number("connects_per_s", options.clients as f64 / connected.seconds)
        .number("server_rss_kib", end.server.map_or(0, |usage| usage.resident) as f64)
        .text("first_error", swarm.first_error.as_ref().or(work.first_error.as_ref()).map_or("", |error| error));
    begin.cpu_until(end, json)
}
