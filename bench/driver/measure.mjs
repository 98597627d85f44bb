// One run of the load generator, and runs of several servers in turn: what disturbs the machine disturbs all of them.
import { spawn } from "node:child_process";
import { LOAD_CORE, busy, foreign, pinned, processMs, quiet } from "./machine.mjs";
import { leaveOut, tell } from "./say.mjs";

// Less than this share of the wanted broadcasts: the server does not keep up.
const SATURATED = 0.95;

const MODES = { rate: "fanout", many: "fanout", job: "fanout" };

export class Session {
  constructor(have, size, write) {
    Object.assign(this, { have, size, write, results: [] });
  }

  // Runs of a row for each server, interleaved: `runs` quiet ones of each, or the quietest where others disturb.
  async row(row, servers, runs = this.size.runs) {
    const got = new Map(servers.map((server) => [server, []]));
    const quietRuns = (list) => list.filter((run) => run.foreign_pct <= this.size.foreign).length;
    for (let round = 0; round < runs + this.size.retry; round++) {
      for (const [server, list] of got) {
        // Saturated in quiet is saturated; beside others it may have been they.
        const clear = list.some((run) => run.error || (run.saturated && run.foreign_pct <= this.size.foreign));
        if (clear || quietRuns(list) >= runs || (this.size.retry === 0 && list.length >= runs)) continue;
        list.push(await this.run(row, server));
      }
    }
    for (const list of got.values()) this.keep(list, runs);
    return got;
  }

  // Runs with a server of their own each: memory is measured from the start.
  async rowFresh(makeRow, names, start, stop, runs = this.size.idleRuns) {
    const got = new Map(names.map((name) => [name, []]));
    for (let round = 0; round < runs; round++) {
      for (const [name, list] of got) {
        const server = await start(name);
        try {
          list.push(await this.run(await makeRow(server), server));
        } finally {
          await stop(server);
        }
      }
    }
    for (const list of got.values()) this.keep(list, runs);
  }

  async run(row, server) {
    try {
      return await this.measured(row, server);
    } catch (error) {
      // The server is gone.
      return { key: row.key, ...pick(row), server: server.name, error: error.message };
    }
  }

  async measured(row, server) {
    await quiet(this.size.quietMs);
    const { have } = this;
    const mode = MODES[row.kind] ?? row.kind;
    const own = row.kind === "job" ? server.job : row.kind === "resume" || row.kind === "idle" ? [] : server[mode];
    const url = ["--url", `127.0.0.1:${server.port}`, "--pid", String(server.pid), "--label", server.name];
    // The row's arguments, then the server's: the later of two counts.
    const args = [mode, ...row.args, "--tokens", have.tokenFile, ...own, ...url];
    const before = { busy: busy(), server: processMs(server.pid) };
    const driver = process.cpuUsage();
    const { code, out, err } = await call(pinned(LOAD_CORE, [have.load, ...args]));
    const measured =
      code === 0 ? JSON.parse(out.trim().split("\n").at(-1)) : { error: err.trim().slice(0, 300) || `exit ${code}` };
    const { user, system } = process.cpuUsage(driver);
    const ownMs = processMs(server.pid) - before.server + (measured.loadgen_cpu_s ?? 0) * 1000 + (user + system) / 1000;
    const run = {
      key: row.key,
      ...pick(row),
      server: server.name,
      ...measured,
      foreign_pct: round1(foreign(before.busy, busy(), ownMs)),
    };
    const work = { job: run.http_per_s, echo: run.acks_per_s }[row.kind] ?? run.deliveries_per_s;
    if (work && run.server_cpu_pct) run.per_cpu_s = Math.round((work / run.server_cpu_pct) * 100);
    if (row.kind === "rate" && run.broadcasts_per_s < SATURATED * row.rate) run.saturated = true;
    return run;
  }

  // Marks the quietest as used, writes all down, and shows the median.
  keep(list, runs) {
    const good = list
      .filter((run) => !run.error)
      .sort((a, b) => a.foreign_pct - b.foreign_pct)
      .slice(0, runs);
    for (const run of list) {
      run.used = good.includes(run);
      this.results.push(run);
      this.write(run);
    }
    const [{ server, key }] = list;
    const failed = list.find((run) => run.error);
    if (failed) leaveOut(`${key} of ${server}: ${failed.error}`);
    if (good.length)
      tell(`  ${server.padEnd(18)} ${key.padEnd(22)} ${headline(good)}${note(good, list, this.size.foreign)}`);
  }
}

const round1 = (value) => Math.round(value * 10) / 10;
const pick = ({ kind, clients, window, rate, missed }) => ({ kind, clients, window, rate, missed });

// No run is longer than this.
const LONGEST_MS = 180_000;

function call([program, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], timeout: LONGEST_MS });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk) => (out += chunk));
    child.stderr.on("data", (chunk) => (err += chunk));
    child.once("error", (error) => (err += error.message));
    child.once("close", (code) => resolve({ code, out, err }));
  });
}

// Of latencies only where there were any: no broadcast that reached everybody took no time.
export function median(runs, ...path) {
  const values = runs
    .filter((run) => run[path[0]]?.count !== 0)
    .map((run) => path.reduce((value, key) => value?.[key], run))
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  if (!values.length) return undefined;
  const middle = values.length >> 1;
  return values.length % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

function headline(runs) {
  const number = (value, digits = 0) => (value ?? 0).toLocaleString("en", { maximumFractionDigits: digits });
  const of = (...path) => number(median(runs, ...path), 2);
  const whole = (...path) => number(median(runs, ...path));
  switch (runs[0].kind) {
    case "idle":
      return `${whole("connects_per_s")} connects/s, ${of("rss_kib_per_connection_held")} KiB each`;
    case "echo":
      return `${whole("acks_per_s")} acks/s, ${whole("per_cpu_s")} a CPU-s, p99 ${of("latency_ms", "p99")} ms`;
    case "job":
      return `${whole("http_per_s")} PUT/s, ${whole("per_cpu_s")} a CPU-s, p99 ${of("http_ms", "p99")} ms`;
    case "resume":
      return `all caught up after ${of("seconds")} s, ${whole("per_cpu_s")} a CPU-s, peak ${number(median(runs, "rss_kib_peak") / 1024)} MiB`;
    case "many":
      return `last receipt p99 ${of("last_ms", "p99")} ms`;
    default:
      return `${whole("deliveries_per_s")}/s, ${whole("per_cpu_s")} a CPU-s, p99 ${of("latency_ms", "p99")} ms`;
  }
}

function note(good, all, limit) {
  const wrong = all.reduce((sum, run) => sum + (run.lost || 0) + (run.doubled || 0) + (run.out_of_order || 0), 0);
  const disturbed = good.filter((run) => run.foreign_pct > limit).length;
  return [
    good.some((run) => run.saturated) ? ", saturated" : wrong ? `, ${wrong} LOST, DOUBLED OR OUT OF ORDER` : "",
    disturbed ? `  (disturbed by others: ${good.map((run) => `${run.foreign_pct} %`).join(", ")})` : "",
  ].join("");
}
