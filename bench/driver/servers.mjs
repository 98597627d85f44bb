// The servers: how each is started, and how each is driven. Arguments are herald-load's.
import { spawn } from "node:child_process";
import { openSync, rmSync } from "node:fs";
import net from "node:net";
import { SERVER_CORE, pinned, sleep } from "./machine.mjs";
import { SECRET } from "./tokens.mjs";

const PUBLISH = '{"event":"bench","to":["all"],"store":false,"data":{"n":{seq},"name":"{pad:150}"}}';

// `have` is what prepare.mjs found and built.
export function servers(have) {
  const physical = (mode) => ({ command: [have.physical, mode], env: {}, fanout: [], echo: [] });
  const all = {
    herald: {
      command: [have.herald],
      env: (port, work) => ({
        HERALD_ADDR: `127.0.0.1:${port}`,
        DATABASE_URL: `sqlite:${work}/herald-${port}.db`,
        UPLOADS_DIR: `${work}/herald-files`,
        WORKERS: "1",
        CONNECTIONS_MAX: "1000000",
        CONNECTIONS_PER_ADDRESS: "1000000",
        RUST_LOG: "warn",
      }),
      fanout: [
        ...[
          "--event",
          "bench",
          "--trigger-path",
          "/v1/publish",
          "--trigger-header",
          `Authorization: Bearer ${have.tokens[0]}`,
        ],
        ...["--body", PUBLISH],
      ],
      echo: [],
    },
    "physical-each": physical("each"),
    "physical-coalesce": physical("coalesce"),
  };
  if (have.node)
    all["node-ws"] = { command: [process.execPath, `${have.nodeDir}/ws.cjs`], env: {}, fanout: [], echo: [] };
  if (have.uws)
    all["node-uws"] = {
      command: [process.execPath, `${have.nodeDir}/uws.cjs`],
      env: { UWS: have.uws },
      fanout: [],
      echo: [],
    };
  if (have.sqlite) {
    const job = (sync) => ({
      command: [process.execPath, `${have.nodeDir}/job.cjs`],
      env: (port, work) => ({ DB: `${work}/express-${port}.db`, SYNC: sync }),
      job: ["--trigger-path", "/records/{mod:1000}", "--body", '{"n":{seq},"name":"name {seq} {pad:40}"}'],
    });
    all["express"] = job("NORMAL");
    all["express-full"] = job("FULL");
  }
  return all;
}

// As many descriptors as there may be, then the server in the shell's place: its process id is the one that is known.
const DESCRIPTORS = 'ulimit -n "$(ulimit -H -n)"; exec "$0" "$@"';

let port = Number(process.env.PORT_BASE || 24_100);

export async function start(name, server, work) {
  port += 1;
  const env = typeof server.env === "function" ? server.env(port, work) : server.env;
  for (const file of [env.DB, env.DATABASE_URL?.replace("sqlite:", "")].filter(Boolean))
    for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
  const log = openSync(`${work}/${name}.log`, "a");
  const [program, ...args] = pinned(SERVER_CORE, ["sh", "-c", DESCRIPTORS, ...server.command]);
  const child = spawn(program, args, {
    env: { ...process.env, JWT_SECRET: SECRET, PORT: String(port), NODE_ENV: "production", ...env },
    stdio: ["ignore", log, log],
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  child.once("error", () => running.delete(child));
  for (let tries = 0; tries < 150 && running.has(child); tries++) {
    if (await listens(port)) return { name, ...server, port, child, pid: child.pid };
    await sleep(100);
  }
  await stop({ child });
  throw new Error(`${name} did not start: see ${work}/${name}.log`);
}

export async function stop({ child }) {
  if (!running.has(child)) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 3000);
  await gone;
  clearTimeout(late);
}

const running = new Set();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1)); // Runs the next line.
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

const listens = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => (socket.destroy(), resolve(true)));
    socket.once("error", () => resolve(false));
  });
