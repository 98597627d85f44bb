// Clients that follow the notices, one for each transport, all of the same shape. Each is the standard client of its
// kind; what it hears is kept in `heard`, and waiting is for something heard, never for time. The deadlines only
// turn a hang into a failure.

import assert from "node:assert/strict";
import { EventSource } from "eventsource";
import { io } from "socket.io-client";
import WebSocket from "ws";

import { EVENTS, misfitOf, misfitOfAnswer } from "./catalogue.mjs";

const DEADLINE = 20_000;

/** An EventSource must be told the names that it listens for. */
const NAMES = [...EVENTS, "message"];

class Follower {
  constructor(user, { after, rooms, token } = {}) {
    this.user = user;
    this.after = after;
    this.rooms = rooms;
    this.fixedToken = token;
    this.heard = [];       // {event, data, seq}, over all its connections
    this.turns = 0;        // how often it was ready
    this.waiting = new Set();
    this.connected = false;
  }

  get url() { return this.user.herald.url; }
  get token() { return this.fixedToken ?? this.user.token; }

  /** Connects, after the cursor that it has come to, and answers `ready`. */
  async connect() {
    const turn = this.turns + 1;
    this.open();
    return this.ready(turn);
  }

  /** The `ready` of its n-th connection; without n, of the present one. */
  async ready(turn = Math.max(1, this.turns)) {
    const all = () => this.heard.filter(({ event }) => event === "ready");
    await this.wait(`ready no. ${turn}`, () => all().length >= turn);
    return all()[turn - 1].data;
  }

  /** What was told, without `ready`: all of it, or what a test asks for. */
  notices(test = () => true) {
    return this.heard.filter((message) => message.event !== "ready" && message.seq !== undefined && test(message));
  }

  /** Waits until something that passes the test has been heard, and answers the first such. */
  async hears(what, test) {
    await this.wait(what, () => this.heard.some(test));
    return this.heard.find(test);
  }

  /** ... a notice of this record, in this version if one is given. */
  record(id, version) {
    return this.hears(`record ${id}${version ? `, version ${version}` : ""}`,
      ({ data }) => data?.record?.id === id && (version === undefined || data.record.version === version));
  }

  gone(id) {
    return this.hears(`DELETED_RECORD ${id}`, ({ event, data }) => event === "DELETED_RECORD" && data.id === id);
  }

  /**
   * Proves that something was not heard: everything told to this client comes in order, so once a notice that was made
   * later has arrived, what has not arrived before it never will.
   */
  async hearsNothingOf(id, { by }) {
    const marker = await by.post("/v1/departments", { name: `Marker ${Math.random()}`, description: "", letter: "M", color: "#123456" });
    await this.record(marker.body.id);
    const about = this.heard.filter(({ data }) => data?.record?.id === id || data?.id === id);
    assert.deepEqual(about, [], "this must not be heard");
    return marker;
  }

  /** In `seq` order, each once. */
  assertOnceInOrder() {
    const told = this.notices(({ event }) => event !== "notification:received").map(({ seq }) => seq);
    told.reduce((last, seq) => {
      assert.ok(seq > last, `seq ${seq} came after ${last}: ${told.join(" ")}`);
      return seq;
    }, -1);
    for (const { data, seq } of this.notices()) assert.equal(data.seq, seq, "the seq stands inside the payload too");
  }

  /** Versions told of a record, in the order told. */
  versions(id) {
    return this.notices(({ data }) => data?.record?.id === id).map(({ data }) => data.record.version);
  }

  async disconnected() { await this.wait("the connection's end", () => !this.connected); }

  hear(event, data, seq = data?.seq) {
    this.heard.push({ event, data, seq });
    this.expects(misfitOf(event, data));
    if (event === "ready") this.turns += 1;
    if (seq !== undefined) this.after = seq;
    this.changed();
  }

  /** What is heard has to be what is written down; a misfit fails the test when Herald is stopped. */
  expects(misfit) { if (misfit) this.user.herald.misfits.push(misfit); }

  /** As an error listener may find: an error that nobody waits for is kept for the next who does. */
  fails(error) { this.error = error; this.changed(); }

  async failure() {
    await this.wait("an error", () => this.error);
    const { error } = this;
    this.error = undefined;
    return error;
  }

  changed() { for (const look of [...this.waiting]) look(); }

  wait(what, test) {
    return new Promise((done, failed) => {
      const finish = (call, value) => { clearTimeout(deadline); this.waiting.delete(look); call(value); };
      const look = () => { if (test()) finish(done); };
      const deadline = setTimeout(() => {
        const heard = this.heard.slice(-20).map(({ event, seq, data }) => `${event} ${seq ?? ""} ${JSON.stringify(data)?.slice(0, 200)}`);
        const error = this.error ? `; last error: ${this.error.message ?? this.error}` : "";
        finish(failed, new Error(`waited in vain for ${what}${error}; heard last:\n${heard.join("\n")}`));
      }, DEADLINE);
      this.waiting.add(look);
      look();
    });
  }
}

export class SocketIo extends Follower {
  constructor(user, { transports = ["polling", "websocket"], namespace = "/", reconnection = false, auth, acks, answers = true, extraHeaders, ...options } = {}) {
    super(user, options);
    const token = () => ("token" in options ? options.token : this.token);
    this.socket = io(new URL(namespace, this.url).href, {
      transports, reconnection, extraHeaders,
      reconnectionDelay: 50, reconnectionDelayMax: 500, forceNew: true, autoConnect: false,
      auth: auth ?? ((cb) => cb({ token: token(), after: this.after, rooms: this.rooms, acks })),
    });
    this.socket.onAny((event, ...args) => {
      if (typeof args.at(-1) === "function") {
        const acknowledge = args.pop();
        if (answers) acknowledge({ ok: true });
      }
      this.hear(event, args[0]);
    });
    this.socket.on("connect", () => { this.connected = true; this.changed(); });
    this.socket.on("disconnect", (reason) => { this.connected = false; this.reason = reason; this.changed(); });
    this.socket.on("connect_error", (error) => this.fails(error));
  }

  get transport() { return this.socket.io.engine?.transport?.name; }

  open() { this.socket.connect(); }

  /** The transport goes under the client, as when a network does. */
  async cut() {
    this.socket.io.engine.close();
    await this.disconnected();
  }

  /** For a client that may upgrade: it has. */
  async upgraded() {
    const { engine } = this.socket.io;
    engine.on("upgrade", () => this.changed());
    await this.wait("the upgrade to websocket", () => engine.transport.name === "websocket");
  }

  async call(event, ...args) {
    const answer = await this.socket.timeout(DEADLINE).emitWithAck(event, ...args);
    this.expects(misfitOfAnswer(event, answer));
    return answer;
  }

  close() { this.socket.io.reconnection(false); this.socket.disconnect(); }
}

export class PlainWebSocket extends Follower {
  #calls = new Map();

  open() {
    const url = new URL("/ws", this.url);
    url.protocol = "ws:";
    if (this.after !== undefined) url.searchParams.set("after", this.after);
    if (this.rooms) url.searchParams.set("rooms", this.rooms.join(","));
    const socket = new WebSocket(url, { headers: { Authorization: `Bearer ${this.token}` } });
    this.socket = socket;
    socket.on("open", () => { this.connected = true; this.changed(); });
    socket.on("message", (text) => {
      const { event, data, seq, ack } = JSON.parse(text);
      if (ack !== undefined) { this.#calls.get(ack)?.(data); return; }
      this.hear(event, data, seq ?? data?.seq);
    });
    socket.on("close", (code) => { this.connected = false; this.code = code; this.changed(); });
    socket.on("error", (error) => this.fails(error));
  }

  async cut() {
    this.socket.terminate();
    await this.disconnected();
  }

  call(event, data) {
    const id = this.#calls.size + 1;
    return new Promise((resolve) => {
      this.#calls.set(id, (answer) => {
        this.expects(misfitOfAnswer(event, answer));
        resolve(answer);
      });
      this.socket.send(JSON.stringify({ event, data, id }));
    });
  }

  close() { this.socket?.terminate(); }
}

export class EventStream extends Follower {
  open() {
    const url = new URL("/v1/stream", this.url);
    if (this.after !== undefined) url.searchParams.set("after", this.after);
    if (this.rooms) url.searchParams.set("rooms", this.rooms.join(","));
    this.source = new EventSource(url, {
      fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, Authorization: `Bearer ${this.token}` } }),
    });
    this.source.onopen = () => { this.connected = true; this.changed(); };
    this.source.onerror = (error) => { this.connected = false; this.fails(error); };
    for (const name of NAMES) {
      this.source.addEventListener(name, ({ data, lastEventId }) => {
        const message = JSON.parse(data);
        if (name !== "ready" && message.seq !== undefined) assert.equal(lastEventId, String(message.seq), "id: is the seq");
        this.hear(name, message);
      });
    }
  }

  cut() {
    this.close();
    return Promise.resolve();
  }

  close() { this.source?.close(); this.connected = false; }
}
