//! Packets that are acknowledged, so many in flight for each client.

use super::{leading_number, window::Mark};
use crate::sys::process::now;
use crate::{
    histogram::Histogram,
    json::Json,
    options::Options,
    swarm::{Arrival, Swarm, Work},
    template::expand,
};
use std::io;

/// What every ack begins with.
const ACK: &[u8] = b"43";

struct Echo {
    template: String,
    depth: u64,
    /// When each client sent its packets: the packet with id i at i modulo the depth.
    sent: Vec<Vec<u64>>,
    acks: u64,
    latency: Histogram,
    from: u64,
    until: u64,
}

impl Work for Echo {
    #[inline]
    fn packet(&mut self, arrival: Arrival, packet: &[u8], reply: &mut Vec<u8>) {
        let Some(rest) = packet.strip_prefix(ACK) else { return };
        let id = leading_number(rest) as u64;
        if (self.from..self.until).contains(&arrival.at) {
            self.acks += 1;
            let sent = self.sent[arrival.client][(id % self.depth) as usize];
            if sent >= self.from {
                self.latency.add(arrival.at.saturating_sub(sent));
            }
        }
        if arrival.at < self.until {
            self.next(arrival.client, id + self.depth, reply);
        }
    }
}

impl Echo {
    fn next(&mut self, client: usize, id: u64, packet: &mut Vec<u8>) {
        self.sent[client][(id % self.depth) as usize] = now();
        packet.extend_from_slice(expand(&self.template, id).as_bytes());
    }
}

pub(super) fn run(options: Options) -> io::Result<Json> {
    let work = Echo {
        template: options.echo_packet.clone(),
        depth: options.depth as u64,
        sent: vec![vec![0; options.depth]; options.clients],
        acks: 0,
        latency: Histogram::default(),
        from: u64::MAX,
        until: u64::MAX,
    };
    let mut swarm = Swarm::new(options, work)?;
    let connected = swarm.connect()?;
    let mut packet = Vec::new();
    for client in 0..swarm.options.clients {
        for id in 0..swarm.work.depth {
            packet.clear();
            swarm.work.next(client, id, &mut packet);
            swarm.send(client, &packet);
        }
    }
    swarm.poll_for(swarm.options.warmup);
    let begin = Mark::now(swarm.options.pid);
    swarm.work.from = begin.at;
    swarm.poll_for(swarm.options.seconds);
    let end = Mark::now(swarm.options.pid);
    swarm.work.until = end.at;

    let options = &swarm.options;
    let json = Json::default()
        .text("mode", "echo")
        .text("label", &options.label)
        .number("clients", options.clients as f64)
        .number("depth", options.depth as f64)
        .number("acks_per_s", swarm.work.acks as f64 / begin.seconds_until(&end))
        .object("latency_ms", &swarm.work.latency.json())
        .number("disconnects", swarm.disconnects as f64)
        .number("connects_per_s", options.clients as f64 / connected.seconds)
        .text("first_error", swarm.first_error.as_deref().unwrap_or(""));
    Ok(begin.cpu_until(&end, json))
}
