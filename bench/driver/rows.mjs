// What is measured, as data: full and quick.
import { execFileSync } from "node:child_process";

const descriptors = () => {
  const hard = execFileSync("sh", ["-c", "ulimit -H -n"], { encoding: "utf8" }).trim();
  return hard === "unlimited" ? Infinity : Number(hard);
};

// A server needs descriptors beside its connections.
const SPARE = 1000;
const many = () => Number(process.env.MANY) || Math.min(18_000, descriptors() - SPARE);

export const FULL = {
  runs: 3,
  retry: 3,
  quietMs: 10_000,
  foreign: 6,
  seconds: 2,
  warmup: 0.5,
  tokens: 5000,
  clients: [100, 1000, 5000],
  windows: [1, 8],
  rates: [25, 50, 100, 150, 200, 250],
  rateClients: 1000,
  rateSeconds: 3,
  echo: 50,
  job: [100, 1],
  jobWarmup: 2,
  idle: 5000,
  idleSeconds: 4,
  idleRuns: 2,
  resume: { clients: 5000, missed: 1000 },
  many,
  manyRuns: 2,
  manySeconds: 5,
};

export const QUICK = {
  ...FULL,
  runs: 1,
  retry: 0,
  quietMs: 0,
  seconds: 0.8,
  warmup: 0.2,
  tokens: 1000,
  clients: [100, 1000],
  rates: [25, 100],
  rateSeconds: 1,
  job: [100],
  jobWarmup: 0.5,
  idle: 1000,
  idleSeconds: 1,
  idleRuns: 1,
  resume: { clients: 500, missed: 200 },
  many: () => Number(process.env.MANY) || 0,
  manyRuns: 1,
  manySeconds: 2,
};

const text = (values) => values.map(String);

export const fanout = (size, clients, window) => ({
  key: `fanout N=${clients} W=${window}`,
  kind: "fanout",
  clients,
  window,
  args: text([
    "--clients",
    clients,
    "--window",
    window,
    "--trigger-conns",
    window,
    "--seconds",
    size.seconds,
    "--warmup",
    size.warmup,
  ]),
});

export const rate = (size, perSecond) => ({
  key: `rate N=${size.rateClients} R=${perSecond}`,
  kind: "rate",
  clients: size.rateClients,
  rate: perSecond,
  args: text([
    "--clients",
    size.rateClients,
    "--rate",
    perSecond,
    "--trigger-conns",
    4,
    "--seconds",
    size.rateSeconds,
    "--warmup",
    size.warmup,
  ]),
});

// Source addresses of loopback: one has some 28,000 ports only.
export const manyClients = (size, clients) => ({
  key: `many N=${clients}`,
  kind: "many",
  clients,
  args: text([
    "--clients",
    clients,
    "--seconds",
    size.manySeconds,
    "--warmup",
    1,
    "--src",
    "127.0.0.1,127.0.0.2,127.0.0.3,127.0.0.4",
  ]),
});

export const echo = (size) => ({
  key: `echo N=${size.echo}`,
  kind: "echo",
  clients: size.echo,
  args: text(["--clients", size.echo, "--seconds", size.seconds, "--warmup", size.warmup]),
});

export const job = (size, clients) => ({
  key: `job N=${clients}`,
  kind: "job",
  clients,
  args: text([
    ...["--clients", clients, "--trigger-method", "PUT", "--gate", "http", "--trigger-conns", 16],
    ...["--seconds", size.seconds, "--warmup", size.warmup],
  ]),
});

export const idle = (size) => ({
  key: `idle N=${size.idle}`,
  kind: "idle",
  clients: size.idle,
  args: text(["--clients", size.idle, "--seconds", size.idleSeconds]),
});

// All at once is a thousand handshakes in flight: more would measure how the kernel drops connections.
export const resume = ({ resume: { clients, missed } }, after) => ({
  key: `resume N=${clients} M=${missed}`,
  kind: "resume",
  clients,
  missed,
  args: text([
    ...["--clients", clients, "--expect", missed, "--connect-concurrency", 1000, "--event", "bench"],
    ...["--auth", `{"token":"{token}","after":${after}}`],
  ]),
});
