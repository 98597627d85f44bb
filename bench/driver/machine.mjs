// The machine: its cores, what others take of them, and how it is called in a report.
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import os from "node:os";

const TICK_MS = 10; // CLK_TCK is 100 on every Linux that Node runs on.

export const cores = os.availableParallelism();
export const pins = spawnSync("taskset", ["-c", "0", "true"]).status === 0;

// Servers run on core 0, the load generator on core 1. One core: both on it, and the figures say less.
export const SERVER_CORE = 0;
export const LOAD_CORE = cores > 1 ? 1 : 0;

export function pinned(core, command) {
  return pins ? ["taskset", "-c", String(core), ...command] : command;
}

// Milliseconds that each of the two cores was busy, and in all. Without pinning: all cores together.
export function busy() {
  const lines = readFileSync("/proc/stat", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  const of = (name) => {
    const [, user, nice, system, idle, iowait, irq, softirq, steal] = lines.find(([n]) => n === name);
    const work = [user, nice, system, irq, softirq, steal].reduce((sum, ticks) => sum + Number(ticks), 0);
    return { work: work * TICK_MS, all: (work + Number(idle) + Number(iowait)) * TICK_MS };
  };
  return pins ? [...new Set([SERVER_CORE, LOAD_CORE])].map((core) => of(`cpu${core}`)) : [of("cpu")];
}

// What others took between two readings, as percent of a core: all work that was not `own` milliseconds.
export function foreign(before, after, own) {
  const sum = (key) => after.reduce((total, core, index) => total + core[key] - before[index][key], 0);
  const perCore = sum("all") / before.length || 1;
  return Math.max(0, ((sum("work") - own) / perCore) * 100);
}

export function processMs(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Waits until both cores were nearly idle for a third of a second, at most `most` milliseconds.
export async function quiet(most) {
  for (const end = Date.now() + most; Date.now() < end;) {
    const before = busy();
    await sleep(300);
    if (foreign(before, busy(), 0) < 8) return;
  }
}

function version(command, ...args) {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "unknown";
  }
}

const packageVersion = (dir, name) => {
  try {
    return JSON.parse(readFileSync(`${dir}/node_modules/${name}/package.json`, "utf8")).version;
  } catch {
    return undefined;
  }
};

export function describe(nodeDir) {
  const packages = ["socket.io", "ws", "express", "better-sqlite3"].map((name) => [
    name,
    packageVersion(nodeDir, name),
  ]);
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " ") + " UTC",
    herald: process.env.HERALD ? "as given" : version("git", "describe", "--always", "--dirty"),
    rust: version("rustc", "--version").replace(/ \(.*/, ""),
    node: process.version,
    packages: packages
      .filter(([, v]) => v)
      .map((pair) => pair.join(" "))
      .join(", "),
    cpu: os.cpus()[0]?.model.trim() ?? "unknown",
    cores,
    memory: `${Math.round(os.totalmem() / 2 ** 30)} GiB`,
    kernel: os.release(),
    pinned: pins,
  };
}
