// From runs to tables and plots.
import { median } from "./measure.mjs";
import { svg } from "./plot.mjs";

const NODE = ["express", "express-full"];
const number = (value, digits = 0) =>
  value === undefined
    ? "–"
    : value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const times = (a, b) => (a && b ? `${number(a / b, 2)} x` : "–");

class Runs {
  constructor(runs) {
    this.all = runs;
    this.used = runs.filter((run) => run.used);
  }
  of(kind) {
    return this.used.filter((run) => run.kind === kind);
  }
  keys(kind) {
    return [...new Set(this.of(kind).map((run) => run.key))];
  }
  servers(kind) {
    const order = ["herald", "node-ws", "node-uws", ...NODE, "physical-each", "physical-coalesce"];
    return order.filter((name) => this.of(kind).some((run) => run.server === name));
  }
  median(key, server, ...path) {
    return median(
      this.used.filter((run) => run.key === key && run.server === server),
      ...path,
    );
  }
  saturated(key, server) {
    const runs = this.used.filter((run) => run.key === key && run.server === server);
    return runs.filter((run) => run.saturated).length * 2 > runs.length;
  }
  first(key) {
    return this.used.find((run) => run.key === key);
  }
}

function table(head, rows) {
  const cells = [head, ...rows];
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column].length)));
  const line = (row) =>
    `| ${row.map((cell, column) => (column ? cell.padStart(widths[column]) : cell.padEnd(widths[column]))).join(" | ")} |`;
  const rule = `|${widths.map((width, column) => (column ? "-".repeat(width + 1) + ":" : "-".repeat(width + 2))).join("|")}|`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

function fanout(runs) {
  const names = runs.servers("fanout");
  const rows = runs.keys("fanout").map((key) => {
    const { clients, window } = runs.first(key);
    const cpu = (name) => runs.median(key, name, "per_cpu_s");
    const limit = window === 1 ? "physical-each" : "physical-coalesce";
    const ratios = [times(cpu("herald"), cpu("node-ws")), times(cpu("herald"), cpu(limit))];
    return [
      `${number(clients)}`,
      String(window),
      ...names.map((name) => number(cpu(name))),
      ...ratios,
      number(runs.median(key, "herald", "deliveries_per_s")),
    ];
  });
  return [
    "Fan-out: deliveries for each second of the server’s CPU",
    table(["clients", "in flight", ...names, "to node-ws", "to the limit", "Herald, deliveries/s"], rows),
  ];
}

function rates(runs) {
  const names = runs.servers("rate");
  const rows = runs.keys("rate").map((key) => {
    const p99 = (name) => runs.median(key, name, "latency_ms", "p99");
    const saturated = (name) => runs.saturated(key, name);
    const { rate, clients } = runs.first(key);
    const cells = names.map((name) => (saturated(name) ? "saturated" : number(p99(name), 2)));
    const to = (name) => (saturated("herald") || saturated(name) ? "–" : times(p99("herald"), p99(name)));
    return [`${rate}/s to ${number(clients)}`, ...cells, to("node-ws"), to("physical-each")];
  });
  return [
    "Latency: p99 in ms from when the broadcast was due, open loop",
    table(["broadcasts", ...names, "to node-ws", "to the limit"], rows),
  ];
}

function job(runs) {
  const rows = runs.keys("job").flatMap((key) =>
    runs.servers("job").map((name) => {
      const of = (...path) => runs.median(key, name, ...path);
      const to = (...path) => times(runs.median(key, "herald", ...path), of(...path));
      return [
        `${runs.first(key).clients} receivers, ${name}`,
        number(of("http_per_s")),
        number(of("per_cpu_s")),
        number(of("http_ms", "p50"), 2),
        number(of("http_ms", "p99"), 2),
        ...(name === "herald" ? ["", ""] : [to("http_per_s"), to("per_cpu_s")]),
      ];
    }),
  );
  return [
    "The whole job: a PUT that changes a record and tells everybody",
    table(["", "PUT/s", "per CPU-s", "p50 ms", "p99 ms", "Herald’s PUT/s", "Herald’s per CPU-s"], rows),
  ];
}

function echo(runs) {
  const [key] = runs.keys("echo");
  const rows = runs.servers("echo").map((name) => {
    const of = (...path) => runs.median(key, name, ...path);
    return [
      name,
      number(of("acks_per_s")),
      number(of("per_cpu_s")),
      number(of("latency_ms", "p50"), 2),
      number(of("latency_ms", "p99"), 2),
      times(runs.median(key, "herald", "acks_per_s"), of("acks_per_s")),
    ];
  });
  return [
    `Acknowledged packets, ${runs.first(key).clients} clients with one in flight each`,
    table(["", "acks/s", "per CPU-s", "p50 ms", "p99 ms", "Herald to it"], rows),
  ];
}

function idle(runs) {
  const [key] = runs.keys("idle");
  const rows = runs.servers("idle").map((name) => {
    const of = (...path) => runs.median(key, name, ...path);
    return [
      name,
      number(of("connects_per_s")),
      number(of("server_cpu_us_per_connect")),
      number(of("connect_ms", "p99"), 1),
      times(runs.median(key, "herald", "connects_per_s"), of("connects_per_s")),
      number(of("rss_kib_before") / 1024, 1),
      number(of("rss_kib_per_connection_held"), 2),
    ];
  });
  return [
    `Connecting with a token, and holding ${number(runs.first(key).clients)} idle connections`,
    table(["", "connects/s", "CPU us each", "p99 ms", "Herald to it", "RSS before, MiB", "KiB a connection"], rows),
  ];
}

function resume(runs) {
  const [key] = runs.keys("resume");
  const of = (...path) => runs.median(key, "herald", ...path);
  const { clients, missed } = runs.first(key);
  const like = runs
    .keys("fanout")
    .map((one) => runs.first(one))
    .filter((run) => run.window === 1)
    .at(-1);
  const fan = like && runs.median(like.key, "herald", "per_cpu_s");
  const row = [
    `${number(clients)} clients, each ${number(missed)} behind`,
    number(of("seconds"), 2),
    number(of("deliveries_per_s")),
    number(of("per_cpu_s")),
    times(of("per_cpu_s"), fan),
    `${number(of("rss_kib_before") / 1024)} / ${number(of("rss_kib_peak") / 1024)}`,
  ];
  return [
    "Coming back, all at once",
    table(
      [
        "",
        "seconds",
        "deliveries/s",
        "per CPU-s",
        `to its fan-out (${like?.key.replace("fanout ", "") ?? "–"})`,
        "RSS before / peak, MiB",
      ],
      [row],
    ),
  ];
}

function many(runs) {
  const rows = runs.keys("many").flatMap((key) =>
    runs.servers("many").map((name) => {
      const base = runs.keys("many")[0];
      const last = runs.median(key, name, "last_ms", "p99");
      const { clients } = runs.first(key);
      const each = last / clients / (runs.median(base, name, "last_ms", "p99") / runs.first(base).clients);
      return [
        `${number(clients)} connections, ${name}`,
        number(runs.median(key, name, "last_ms", "p50"), 1),
        number(last, 1),
        number(runs.median(key, name, "per_cpu_s")),
        number(Number.isFinite(each) ? each : undefined, 2),
      ];
    }),
  );
  return [
    "Many connections: from the request to the last receipt",
    table(["", "p50 ms", "p99 ms", "deliveries per CPU-s", "growth of p99 (1: linear)"], rows),
  ];
}

const TABLES = { fanout, rate: rates, job, echo, idle, resume, many };

export function tables(list) {
  const runs = new Runs(list);
  return Object.entries(TABLES)
    .filter(([kind]) => runs.of(kind).length)
    .map(([, make]) => make(runs));
}

// A saturated run ends with broadcasts under way, which are not lost; doubled and out of order counts there too.
export function faults(list) {
  const sum = (runs, key) => runs.reduce((total, run) => total + (run[key] || 0), 0);
  const count = (runs) => ({
    lost: sum(
      runs.filter((run) => !run.saturated),
      "lost",
    ),
    doubled: sum(runs, "doubled"),
    disorder: sum(runs, "out_of_order"),
    refused: sum(runs, "refused"),
  });
  const text = ({ lost, doubled, disorder, refused }) =>
    `lost ${lost}, doubled ${doubled}, out of order ${disorder}, requests refused ${refused}`;
  const of = (herald) => list.filter((run) => (run.server === "herald") === herald);
  return `In all runs, Herald: ${text(count(of(true)))}; the others: ${text(count(of(false)))}.`;
}

export function disturbed(list, limit) {
  const used = list.filter((run) => run.used);
  const noisy = used.filter((run) => run.foreign_pct > limit);
  return noisy.length
    ? `Disturbed: in ${noisy.length} of ${used.length} runs others took more than ${limit} % of a core, at most ${Math.max(...noisy.map((run) => run.foreign_pct))} %.`
    : `Quiet: in none of ${used.length} runs did others take more than ${limit} % of a core.`;
}

export function plots(list) {
  const runs = new Runs(list);
  const result = {};
  const clients = [...new Set(runs.of("fanout").map((run) => run.clients))];
  if (clients.length > 1) {
    const highest = Math.max(...runs.of("fanout").map((run) => run.per_cpu_s || 0)) * 1.05;
    const windows = [...new Set(runs.of("fanout").map((run) => run.window))];
    result["fanout.svg"] = svg(
      windows.map((window) => ({
        title: `Fan-out, ${window} in flight`,
        x: { label: "clients", log: true, from: clients[0], to: clients.at(-1), ticks: clients },
        y: { label: "deliveries per CPU-second", from: 0, to: highest },
        series: series(runs, "fanout", (key, name) => {
          const run = runs.first(key);
          return run.window === window && [run.clients, runs.median(key, name, "per_cpu_s")];
        }),
      })),
    );
  }
  const all = runs.of("rate");
  const loads = [...new Set(all.map((run) => run.rate))];
  if (loads.length > 1) {
    const values = all.map((run) => run.latency_ms?.p99).filter((value) => value > 0);
    result["latency.svg"] = svg([
      {
        title: `p99 latency, ${number(all[0].clients)} clients`,
        x: { label: "broadcasts per second, open loop (hollow: saturated)", from: 0, to: loads.at(-1), ticks: loads },
        y: {
          label: "milliseconds",
          log: true,
          from: 10 ** Math.floor(Math.log10(Math.min(...values))),
          to: 10 ** Math.ceil(Math.log10(Math.max(...values))),
        },
        series: series(runs, "rate", (key, name) => [
          runs.first(key).rate,
          runs.median(key, name, "latency_ms", "p99"),
          runs.saturated(key, name),
        ]),
      },
    ]);
  }
  return result;
}

function series(runs, kind, point) {
  return runs
    .servers(kind)
    .map((name) => ({
      name,
      points: runs
        .keys(kind)
        .map((key) => point(key, name))
        .filter((pair) => pair && pair[1] > 0),
    }))
    .filter(({ points }) => points.length);
}
