// Herald's live connection for a browser, without any page: `Live` follows /ws after a cursor.

/**
 * Follows `/ws` after a cursor and comes back by itself. It calls
 * - `onState(state, {wait, code})`: `connecting`, `live`, `waiting`, `cut`, `stopped`
 * - `onReady(ready, {first})` for each connection,
 * - `onNotice({event, data, seq, missed, again})` for everything after it: `missed` is true for what happened before
 *   this connection was opened, `again` for a seq that was told before on an earlier turn.
 */
export class Live {
  #socket;
  #timer;
  #tries = 0;
  #turn = 0;
  #calls = new Map();
  #nextCall = 1;
  #told = { seq: -1, names: new Set() };

  constructor(session, { onState, onReady, onNotice }) {
    Object.assign(this, { session, onState, onReady, onNotice });
    this.after = undefined;
    this.connections = 0;
    addEventListener("online", () => { if (this.#timer) this.#open(); });
  }

  start(after) {
    this.after = after;
    this.connections = 0;
    this.#told = { seq: -1, names: new Set() };
    this.#open();
  }

  stop(state = "stopped") {
    this.#turn += 1;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#socket?.close(1000);
    this.#socket = undefined;
    this.#tries = 0;
    this.onState(state, {});
  }

  resume() { this.#open(); }

  /** A client event; the answer is its ack. */
  call(event, data) {
    const id = this.#nextCall++;
    return new Promise((resolve) => {
      this.#calls.set(id, resolve);
      this.#socket?.send(JSON.stringify({ event, data, id }));
    });
  }

  async #open() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const turn = ++this.#turn;
    this.onState("connecting", {});
    let ticket, newest;
    try {
      // What is committed up to here was missed; what comes with a higher seq happened while we came back.
      if (this.connections > 0) newest = (await this.session.request("GET", "/v1/departments?limit=1")).seq;
      ticket = (await this.session.request("POST", "/v1/auth/ticket")).data.ticket;
    } catch (problem) {
      if (turn === this.#turn) this.#later(turn, problem);
      return;
    }
    if (turn !== this.#turn) return;
    const url = new URL("/ws", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("ticket", ticket);
    if (this.after !== undefined) url.searchParams.set("after", this.after);
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.onmessage = (frame) => { if (turn === this.#turn) this.#hear(JSON.parse(frame.data), newest); };
    socket.onclose = (close) => {
      if (turn !== this.#turn) return;
      this.#socket = undefined;
      this.#calls.clear();
      this.#later(turn, close);
    };
  }

  #later(turn, cause) {
    if (!this.session.tokens || this.session.cut) return;
    // Full jitter: after a restart of the server, not everyone comes at the same moment.
    const most = Math.min(15_000, 400 * 2 ** this.#tries++);
    const wait = 100 + Math.random() * most;
    this.onState("waiting", { wait, code: cause?.code });
    this.#timer = setTimeout(() => { if (turn === this.#turn) this.#open(); }, wait);
  }

  #hear({ event, data, seq, ack }, newest) {
    if (ack !== undefined) {
      this.#calls.get(ack)?.(data);
      this.#calls.delete(ack);
      return;
    }
    if (event === "ready") {
      const first = this.connections++ === 0;
      this.#tries = 0;
      if (data.resync || this.after === undefined) this.#told = { seq: data.seq, names: new Set() };
      this.after = data.seq;
      this.onState("live", {});
      this.onReady(data, { first });
      return;
    }
    if (event === "auth_expiring") {
      this.session.renew().then(() => this.call("authenticate", { token: this.session.tokens.accessToken })).catch(() => {});
    }
    seq ??= data?.seq;
    let again = false;
    if (seq !== undefined) {
      // An alias follows its event with the same seq under another name: that is not a repetition.
      again = seq < this.#told.seq || (seq === this.#told.seq && this.#told.names.has(event));
      if (seq > this.#told.seq) this.#told = { seq, names: new Set() };
      if (!again) this.#told.names.add(event);
      this.after = Math.max(this.after ?? 0, seq);
    }
    this.onNotice({ event, data, seq, again, missed: seq !== undefined && newest !== undefined && seq <= newest });
  }
}
