// One story told by the real Socket.IO client: node client.js <url> polling|websocket|upgrade
const assert = require("node:assert/strict");
const { once } = require("node:events");
const { io } = require("socket.io-client");

const [url, mode] = process.argv.slice(2);
const transports = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] }[mode];
const MORE_AFTER_UPGRADE = 200;

async function main() {
  const socket = io(url, { transports, reconnection: false });
  socket.on("connect_error", (error) => fail(error));
  const numbers = [];
  let enough;
  const received = new Promise((resolve) => (enough = resolve));
  let left = MORE_AFTER_UPGRADE;
  socket.on("n", (n) => {
    numbers.push(n);
    const arrived = mode !== "upgrade" || socket.io.engine.transport.name === "websocket";
    if (arrived && --left === 0) enough();
  });

  await once(socket, "ready");
  socket.emit("count");
  await received;
  const end = new Promise((resolve) => socket.once("end", resolve));
  socket.emit("stop");
  const last = await end;
  assert.equal(numbers.length, last + 1, "an event is missing or came twice");
  numbers.forEach((n, at) => assert.equal(n, at, "out of order"));

  const told = { text: "é", list: [1, 2.5, null], nested: { yes: true } };
  assert.deepEqual(await socket.emitWithAck("echo", told), told);
  const binary = Buffer.from([0, 1, 2, 253, 254, 255]);
  assert.ok(binary.equals(await socket.emitWithAck("echo", binary)), "binary came back changed");
  assert.equal(socket.io.engine.transport.name, mode === "polling" ? "polling" : "websocket");

  socket.disconnect();
}

function fail(error) {
  console.error(error);
  process.exit(1);
}

// Only a failure waits for this.
setTimeout(() => fail(new Error("nothing more happened")), 20_000).unref();
main().catch(fail);
