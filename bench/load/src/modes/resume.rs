//! Clients that come back, all at once, after having missed the same events: `--auth` tells the server after
//! what, `--expect` says how many events that are.

use super::{Marked, window::Mark};
use crate::{
    histogram::Histogram,
    json::Json,
    options::Options,
    swarm::{Arrival, Swarm, Work},
    sys::{
        SECOND,
        process::{now, reset_peak},
    },
};
use std::io;

/// Without any delivery for so long, it is over.
const STUCK: u64 = 10 * SECOND;

/// What one client has got of what it missed.
#[derive(Clone, Default)]
struct Progress {
    events: u64,
    /// The number that the next event should have; the first one's says where it begins.
    next: Option<usize>,
}

struct Resume {
    marked: Marked,
    expected: u64,
    clients: Vec<Progress>,
    began: u64,
    caught_up: usize,
    deliveries: u64,
    bytes: u64,
    disorder: u64,
    latest: u64,
    /// From the first connect to each client's last missed event.
    times: Histogram,
}

impl Work for Resume {
    #[inline]
    fn packet(&mut self, arrival: Arrival, packet: &[u8], _: &mut Vec<u8>) {
        let Some(number) = self.marked.number(packet) else { return };
        let client = &mut self.clients[arrival.client];
        // Numbers are consecutive: anything else is lost, doubled or out of order.
        if client.next.is_some_and(|next| next != number) {
            self.disorder += 1;
        }
        client.next = Some(number + 1);
        client.events += 1;
        self.deliveries += 1;
        self.bytes += arrival.size as u64;
        self.latest = arrival.at;
        if client.events == self.expected {
            self.caught_up += 1;
            self.times.add(arrival.at - self.began);
        }
    }
}

pub(super) fn run(options: Options) -> io::Result<Json> {
    if let Some(pid) = options.pid {
        reset_peak(pid);
    }
    let begin = Mark::now(options.pid);
    let work = Resume {
        marked: Marked::new(&options),
        expected: options.expect,
        clients: vec![Progress::default(); options.clients],
        began: begin.at,
        caught_up: 0,
        deliveries: 0,
        bytes: 0,
        disorder: 0,
        latest: begin.at,
        times: Histogram::default(),
    };
    let mut swarm = Swarm::new(options, work)?;
    swarm.connect()?;
    while swarm.work.caught_up < swarm.options.clients && now() < swarm.work.latest.max(begin.at) + STUCK {
        swarm.poll(20);
    }
    let end = Mark::now(swarm.options.pid);

    let (options, work) = (&swarm.options, &swarm.work);
    let missing: u64 = work.clients.iter().map(|client| work.expected.saturating_sub(client.events)).sum();
    let surplus: u64 = work.clients.iter().map(|client| client.events.saturating_sub(work.expected)).sum();
    let seconds = (work.latest - begin.at) as f64 / 1e9;
    let json = Json::default()
        .text("mode", "resume")
        .text("label", &options.label)
        .number("clients", options.clients as f64)
        .number("expected", work.expected as f64)
        .number("caught_up", work.caught_up as f64)
        .number("seconds", seconds)
        .number("deliveries_per_s", work.deliveries as f64 / seconds)
        .number("mb_per_s", work.bytes as f64 / seconds / 1e6)
        .object("caught_up_ms", &work.times.json())
        .object("connect_ms", &swarm.connect_times.json())
        .number("lost", missing as f64)
        .number("doubled", surplus as f64)
        .number("out_of_order", work.disorder as f64)
        .number("disconnects", swarm.disconnects as f64)
        .number("rss_kib_before", begin.server.map_or(0, |usage| usage.resident) as f64)
        .number("rss_kib_peak", end.server.map_or(0, |usage| usage.peak) as f64)
        .text("first_error", swarm.first_error.as_deref().unwrap_or(""));
    Ok(begin.cpu_until(&end, json))
}
