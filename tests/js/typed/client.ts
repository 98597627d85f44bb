// What a TypeScript user writes, and what the compiler has to refuse: each `@ts-expect-error` fails when there is none.
// Never run; typed-events.test.mjs compiles it.

import { io, type Socket } from "socket.io-client";
import type {
  ClientToServerEvents, Moved, Problem, PurchaseRequest, ServerToClientEvents,
} from "../../../docs/herald-events.d.ts";

declare const token: string;
let after: number | undefined;

const socket: Socket<ServerToClientEvents, ClientToServerEvents> =
  io("http://127.0.0.1:3000", { auth: (cb) => cb({ token, after }) });

socket.on("ready", ({ id, seq, user, resync }) => {
  after = seq;
  const admin: boolean = user.roles.includes("ADMIN");
  if (resync || admin) console.log(id.toUpperCase());
  // @ts-expect-error there is no such role
  user.roles.includes("KING");
});

socket.on("CHANGED_RECORD", (told) => {
  // `type` tells apart what the record is.
  if (told.type === "EVENT") console.log(told.record.state === "PUBLISHED", told.record.start);
  if (told.type === "DEPARTMENT") console.log(told.record.letter);
  // @ts-expect-error a department has no state
  if (told.type === "DEPARTMENT") console.log(told.record.state);
  // @ts-expect-error no record is of this type
  if (told.type === "EVENTS") console.log(told);
});

socket.on("DELETED_RECORD", ({ type, id, seq }) => { console.log(type, id, seq); });

socket.on("new_notification", (notification, confirm) => {
  if (notification.status !== "READ") console.log(notification.message, notification.unread);
  confirm?.();
});

socket.on("request:created", (request) => {
  const whole: PurchaseRequest = request;
  console.log(whole.budget?.padStart(8), request.seq);
  // @ts-expect-error money is text, never a number
  const sum: number = request.budget;
  console.log(sum);
});

// @ts-expect-error the field is called `offerId`
socket.on("offer:accepted", ({ offer }) => { console.log(offer); });

// @ts-expect-error what is live only has no place in the order
socket.on("chat:typing", ({ seq }) => { console.log(seq); });

// @ts-expect-error Herald says no such thing
socket.on("request:creatd", () => {});

// Wishes, acknowledged: by a callback, or awaited.
socket.emit("join-request-room", { id: "0190a5b2-c3d4-7e8f-9a0b-1c2d3e4f5a6b" }, (answer) => {
  if ("ok" in answer) console.log(answer.room, answer.seq);
  else console.log(answer.code, answer.errors?.[0]?.field);
});
const joined: Moved | Problem = await socket.timeout(5000).emitWithAck("join", "topic-news");
if (!("ok" in joined)) console.log(joined.status);
await socket.emitWithAck("notification:ack", ["0190a5b2-c3d4-7e8f-9a0b-1c2d3e4f5a6b"]);

// One does not wait for the answer to typing; one may.
socket.emit("chat:typing", { chatId: "0190a5b2-c3d4-7e8f-9a0b-1c2d3e4f5a6b" });
socket.emit("chat:stopped-typing", { chatId: "0190a5b2-c3d4-7e8f-9a0b-1c2d3e4f5a6b" }, (answer) => { console.log(answer); });

// @ts-expect-error `join` takes a room
socket.emit("join", { id: "all" }, () => {});
// @ts-expect-error a wish has an answer, which somebody has to look at
socket.emit("join", "topic-news");
// @ts-expect-error nobody enters a seller's room by a number
socket.emit("join-seller-room", 7, () => {});
// @ts-expect-error there is no such wish
socket.emit("joyn", "topic-news", () => {});
// @ts-expect-error what Herald says, clients do not
socket.emit("ready", {}, () => {});

// Beside Herald's own events, those that another back end publishes.
interface Shop { "order:created": (order: { id: number; total: string; seq: number }) => void }
const both: Socket<ServerToClientEvents & Shop, ClientToServerEvents> = io("http://127.0.0.1:3000");
both.on("order:created", ({ id, total }) => { console.log(id + 1, total.length); });
both.on("system:announcement", ({ message }) => { console.log(message.length); });
