// Builds what is measured and what measures, and says what of it is not there.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { say, leaveOut } from "./say.mjs";
import { mint } from "./tokens.mjs";

export function prepare(root, options) {
  if (process.platform !== "linux")
    throw new Error("make bench needs Linux: the load generator speaks epoll, and /proc says what servers use");
  const target = path.resolve(root, process.env.CARGO_TARGET_DIR || "target");
  const work = path.join(target, "bench");
  mkdirSync(work, { recursive: true });
  const run = (command, ...args) => spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] }).status === 0;

  let herald = process.env.HERALD && path.resolve(process.env.HERALD);
  if (!herald) {
    say("Building Herald (release; HERALD=path takes a binary that is there)");
    if (!run("cargo", "build", "--release", "--bin", "herald")) throw new Error("Herald could not be built");
    herald = path.join(target, "release/herald");
  }
  if (!existsSync(herald)) throw new Error(`there is no ${herald}`);
  say("Building the load generator");
  if (
    !run("cargo", "build", "--release", "--locked", "--manifest-path", "bench/load/Cargo.toml", "--target-dir", target)
  )
    throw new Error("the load generator could not be built");

  const nodeDir = path.join(root, "bench/node");
  const found = nodeServers(nodeDir, run);
  const tokens = mint(options.tokens);
  const tokenFile = path.join(work, "tokens.txt");
  const oneToken = path.join(work, "one-token.txt");
  writeFileSync(tokenFile, tokens.join("\n") + "\n", { mode: 0o600 });
  writeFileSync(oneToken, tokens[0] + "\n", { mode: 0o600 });
  const release = (name) => path.join(target, "release", name);
  return {
    root,
    work,
    nodeDir,
    herald,
    load: release("herald-load"),
    physical: release("physical"),
    tokens,
    tokenFile,
    oneToken,
    ...found,
  };
}

// Install scripts run for better-sqlite3 alone: it fetches its library, or compiles it.
function nodeServers(nodeDir, run) {
  const uws = process.env.UWS && path.resolve(process.env.UWS);
  if (!existsSync(path.join(nodeDir, "node_modules/socket.io"))) {
    say("Installing the Node servers");
    if (!run("npm", "ci", "--prefix", nodeDir, "--ignore-scripts", "--no-audit", "--no-fund")) {
      leaveOut("everything of Node: npm (part of Node.js) is missing, or could not install the packages of bench/node");
      return { node: false, sqlite: false };
    }
  }
  const library = path.join(nodeDir, "node_modules/better-sqlite3/build/Release/better_sqlite3.node");
  const sqlite =
    existsSync(library) || (run("npm", "rebuild", "--prefix", nodeDir, "better-sqlite3") && existsSync(library));
  if (!sqlite)
    leaveOut(
      "the whole job in Node: better-sqlite3 could neither be fetched nor compiled (it needs python3, make and a C++ compiler)",
    );
  return { node: true, sqlite, uws };
}
