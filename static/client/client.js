// The demo client: the standard Socket.IO client, a token, and every event that arrives. What a client has to do
// to miss nothing are the lines marked with (*). Text from the server is put in as text only.

const $ = (id) => document.getElementById(id);
const LINES = 500;

let socket;
let after;        // (*) the seq of the last notice seen: the cursor
let events = 0;
let resumes = 0;
let twice = 0;
const told = new Set();   // what was heard, to prove that nothing comes twice
let cut = false;

$("connect").addEventListener("click", () => {
  const token = $("token").value.trim().replace(/^Bearer\s+/i, "");
  if (!token) {
    say("bad", "A token first, please: log in, or paste one.");
    $("token").focus();
    return;
  }
  socket?.disconnect();
  told.clear();
  const rooms = $("rooms").value.split(",").map((room) => room.trim()).filter(Boolean);

  // auth is a function, so that each reconnect says the cursor of that moment.
  socket = window.io({
    transports: $("transports").value.split(","),
    forceNew: true,
    auth: (cb) => cb({ token: $("token").value.trim().replace(/^Bearer\s+/i, ""), after, ...(rooms.length && { rooms }) }),   // (*)
  });
  socket.onAny((_event, m) => { if (m?.seq !== undefined) after = m.seq; });   // (*) `ready` included
  socket.onAny((event, ...args) => {
    // Herald counts an inbox notification as delivered when its event is acknowledged.
    const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
    ack?.({ ok: true });
    events += 1;
    if (event !== "ready" && args[0]?.seq !== undefined) {
      const one = `${args[0].seq} ${event}`;
      if (told.has(one)) twice += 1;
      told.add(one);
    }
    line(event, args[0]?.seq, args.length > 1 ? args : args[0]);
    show();
  });

  socket.on("ready", ({ resumed, resync, seq, refusedRooms }) => {
    if (resumed) resumes += 1;
    const refused = refusedRooms?.length ? ` Refused: ${refusedRooms.map((room) => room.room ?? room).join(", ")}.` : "";
    if (resync) say("warn", `resync: the cursor can't be resumed. Live from ${seq} on; what was before is to be fetched over HTTP.${refused}`);
    else if (resumed) say("ok", `Resumed after ${seq}: what was missed follows.${refused}`);
    else say(refused ? "warn" : "ok", `Connected. Live from ${seq} on.${refused}`);
    show();
  });
  socket.on("connect", () => {
    line("connect", undefined, { id: socket.id }, true);
    socket.io.engine.on("upgrade", show);
    show();
  });
  socket.on("disconnect", (reason) => {
    line("disconnect", undefined, { reason }, true);
    show();
    // Said by the server (log-out, token expired): the library does not come back by itself.
    if (reason === "io server disconnect") say("warn", "The server ended this connection.");
  });
  socket.on("connect_error", (error) => {
    line("connect_error", undefined, { message: error.message, data: error.data }, true);
    say("bad", `connect_error: ${error.message}${error.data?.detail ? ` (${error.data.detail})` : ""}`);
    show();
  });
  cut = false;
  say("", "");
  show();
});

$("disconnect").addEventListener("click", () => {
  socket.disconnect();
  socket = undefined;
  cut = false;
  say("", "");
  show();
});

// As if the network went: the transport closes under the library, and is kept from coming back.
$("cut").addEventListener("click", () => {
  cut = true;
  socket.io.reconnection(false);
  socket.io.engine.close();
  say("warn", `Cut off after ${after ?? "nothing"}. Change something, then let it back.`);
  show();
});
$("back").addEventListener("click", () => {
  cut = false;
  socket.io.reconnection(true);
  socket.connect();
  show();
});

$("login").addEventListener("submit", async (submit) => {
  submit.preventDefault();
  const box = $("login-message");
  try {
    const answer = await fetch("/v1/auth/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email: $("email").value.trim(), password: $("password").value }),
    });
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.detail || body.title || `HTTP ${answer.status}`);
    $("token").value = body.accessToken;
    $("password").value = "";
    box.className = "notice ok";
    box.textContent = `Token of ${body.user?.email ?? "the user"}, good for ${Math.round(body.expiresIn / 60)} min.`;
  } catch (error) {
    box.className = "notice bad";
    box.textContent = `No token: ${error.message}`;
  }
  box.hidden = false;
});

$("clear").addEventListener("click", () => $("events").replaceChildren());

function line(event, seq, payload, ours = false) {
  const item = document.createElement("li");
  item.dataset.event = event;
  if (seq !== undefined) item.dataset.seq = seq;
  if (ours) item.className = "ours";
  const number = document.createElement("span");
  number.className = "seq";
  number.textContent = seq === undefined ? "" : `#${seq}`;
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  const name = document.createElement("span");
  name.className = "name";
  name.textContent = event;
  summary.append(name, ` ${brief(payload)}`);
  const body = document.createElement("pre");
  body.textContent = JSON.stringify(payload, null, 2) ?? "";
  details.append(summary, body);
  item.append(number, details);
  const list = $("events");
  list.querySelector(".empty")?.remove();
  list.prepend(item);
  while (list.children.length > LINES) list.lastChild.remove();
}

function brief(payload) {
  const { type, record, id, reason, message } = payload ?? {};
  if (record) return `${type} “${(type === "EVENT" && record.description) || record.name || record.email || record.id}”, version ${record.version}${record.state ? `, ${record.state}` : ""}`;
  if (type) return `${type} ${id}`;
  return String(message ?? reason ?? "");
}

function say(kind, text) {
  $("message").className = `notice ${kind}`;
  $("message").textContent = text;
  $("message").hidden = !text;
}

function show() {
  const up = Boolean(socket?.connected);
  const [state, kind, text] = up ? ["live", "ok", `Connected, ${socket.io.engine.transport.name}`]
    : cut ? ["cut", "bad", "Cut off"]
    : socket?.active ? ["connecting", "warn busy", "Connecting…"]
    : ["off", "", "Not connected"];
  $("state").className = `pill dot ${kind}`;
  $("state").dataset.state = state;
  $("state").textContent = text;
  $("connect").disabled = up || typeof window.io !== "function";
  $("disconnect").disabled = !socket;
  $("cut").disabled = !up;
  $("back").disabled = !cut;
  $("n-after").textContent = after ?? "–";
  $("n-events").textContent = events;
  $("n-resumes").textContent = resumes;
  $("n-twice").textContent = twice;
}

// Where npm was not run, the server answers the script with a text that says how to get it.
if (typeof window.io !== "function") {
  const box = $("missing");
  const how = document.createElement("pre");
  box.append("The Socket.IO client is not there, so this page can't connect. The server says:", how);
  box.hidden = false;
  fetch("/socket.io/socket.io.js")
    .then(async (answer) => { how.textContent = answer.ok ? "It is there now: reload this page." : (await answer.text()).slice(0, 1000); })
    .catch(() => { how.textContent = "(no answer)"; });
}
show();
