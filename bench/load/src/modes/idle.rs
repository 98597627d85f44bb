//! Clients that connect and then do nothing: what connecting takes, and what each costs in memory.

use super::window::Mark;
use crate::{
    json::Json,
    options::Options,
    swarm::{Arrival, Swarm, Work},
    sys::process::Usage,
};
use std::io;

struct Idle;

impl Work for Idle {
    fn packet(&mut self, _: Arrival, _: &[u8], _: &mut Vec<u8>) {}
}

pub(super) fn run(options: Options) -> io::Result<Json> {
    let mut swarm = Swarm::new(options, Idle)?;
    let connected = swarm.connect()?;
    let begin = Mark::now(swarm.options.pid);
    swarm.poll_for(swarm.options.seconds);
    let end = Mark::now(swarm.options.pid);

    let clients = swarm.options.clients as f64;
    let resident = |usage: Option<Usage>| usage.map_or(0.0, |usage| usage.resident as f64);
    let grown = |usage| (resident(usage) - resident(connected.before)) / clients;
    let cpu = match (connected.before, connected.after) {
        (Some(before), Some(after)) => (after.cpu - before.cpu) as f64 / 1e3 / clients,
        _ => 0.0,
    };
    let json = Json::default()
        .text("mode", "idle")
        .text("label", &swarm.options.label)
        .number("clients", clients)
        .number("connects_per_s", clients / connected.seconds)
        .object("connect_ms", &swarm.connect_times.json())
        .number("server_cpu_us_per_connect", cpu)
        .number("rss_kib_before", resident(connected.before))
        .number("rss_kib_held", resident(end.server))
        .number("rss_kib_per_connection", grown(connected.after))
        .number("rss_kib_per_connection_held", grown(end.server))
        .number("disconnects", swarm.disconnects as f64)
        .text("first_error", swarm.first_error.as_deref().unwrap_or(""));
    Ok(begin.cpu_until(&end, json))
}
