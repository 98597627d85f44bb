// The events of Herald, as `herald events --format typescript` prints them: written by the program, not by hand.
//
//   import { io, type Socket } from "socket.io-client";
//   import type { ClientToServerEvents, ServerToClientEvents } from "./herald-events.js";
//   const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io(url, { auth: (cb) => cb({ token, after }) });
//
// Fields may be added to payloads; what is there keeps its name and its meaning.

/** Numbers of this node: how things are, then counts since it started. */
export interface BrokerStats {
  /** Of all these, those that are not live yet. */
  catchingUp: number;
  /** Connections that went, whyever. */
  closed: number;
  /** Notices handed to connections, live. */
  deliveries: number;
  /** The last stored notice that went out. */
  last: number;
  /** Stored notices that went out. */
  notices: number;
  /** Connections that came. */
  opened: number;
  /** Pages read from the history. */
  pagesRead: number;
  /** Of these, those that are polling now. */
  polling: number;
  /** Notices handed to connections that came back. */
  replayed: number;
  /** Rooms that somebody is in. */
  rooms: number;
  /** Connections closed because they could not keep up. */
  slowConsumers: number;
  /** Connections on Socket.IO. */
  socketIo: number;
  /** Connections on `/v1/stream`. */
  sse: number;
  /** Users who are online. */
  users: number;
  /** Connections on `/ws`. */
  websocket: number;
}

/** An event. */
export interface CalendarEvent {
  authorId: Uuid;
  clonedFromId: Uuid | null;
  createdAt: Timestamp;
  deletedAt: Timestamp | null;
  departmentIds: Array<Uuid>;
  description: string;
  descriptionLong: string | null;
  end: Timestamp;
  groupIds: Array<Uuid>;
  id: Uuid;
  jobId: Uuid | null;
  location: string | null;
  /** The published event that this is a version of. */
  parentId: Uuid | null;
  start: Timestamp;
  state: "DRAFT" | "REVIEW" | "PUBLISHED" | "REFUSED";
  updatedAt: Timestamp;
  version: number;
}

/** What operators and tests may know of a connection. */
export interface ConnectionInfo {
  /** Who is at the other end of its stream: the client, or a proxy before it. */
  address?: string;
  /** How the packets of Socket.IO travel. */
  carrier?: "polling" | "websocket";
  /** When it came. */
  connectedAt: Timestamp;
  /** Its id. */
  id: string;
  /** What it may be. */
  roles: Array<Role>;
  /** The rooms it is in. */
  rooms: Array<Room>;
  /** Which wire. */
  transport: 
  | "socket.io"
  | "websocket"
  | "sse";
  /** Whose it is. */
  userId: Uuid;
}

/** How often something happened. */
export interface Counted {
  /** How often. */
  count: number;
  /** When that was counted, in milliseconds since 1970. */
  timestamp: number;
  /** What: `rawConnection`, `rawDisconnection`, `packetsOut`. */
  type: string;
}

/** A currency by its three letters (ISO 4217). `"EUR"` */
export type Currency = string;

/** A department. */
export interface Department {
  color: string;
  createdAt: Timestamp;
  description: string;
  id: Uuid;
  letter: string;
  name: string;
  updatedAt: Timestamp;
  version: number;
}

/** A dispute. */
export interface Dispute {
  buyerId: Uuid;
  createdAt: Timestamp;
  id: Uuid;
  openedBy: Uuid;
  reason: string;
  requestId: Uuid;
  resolution: string | null;
  sellerId: Uuid;
  status: "OPEN" | "RESOLVED";
  updatedAt: Timestamp;
}

/** The acknowledgement of what else was done. */
export interface Done {
  ok: true;
}

/** The acknowledgement of `echo`. */
export interface Echoed {
  /** What came with it. */
  data: unknown;
  ok: true;
}

/** An event group. */
export interface EventGroup {
  createdAt: Timestamp;
  description: string;
  id: Uuid;
  /** In the order in which they came. */
  memberIds: Array<Uuid>;
  name: string;
  updatedAt: Timestamp;
  version: number;
}

/** Something said in a dispute. */
export interface Evidence {
  createdAt: Timestamp;
  disputeId: Uuid;
  id: Uuid;
  text: string;
  userId: Uuid;
}

/** One fault of one field of the input. */
export interface Fault {
  /** The field's name as the caller wrote it; dotted or indexed where it is nested. */
  field: string;
  /** What is wrong with it. */
  message: string;
}

/** A job. */
export interface Job {
  createdAt: Timestamp;
  description: string;
  /** As the user called it. */
  filename: string | null;
  id: Uuid;
  /** Bounded, one line each. */
  log: string;
  /** 0 to 100. */
  progress: number;
  state: "PENDING" | "RUNNING" | "DONE" | "ERROR" | "REVERTED";
  type: "IMPORT" | "CLONE" | "UPLOAD";
  updatedAt: Timestamp;
  userId: Uuid;
  version: number;
}

/** A message in a chat. */
export interface Message {
  chatId: Uuid;
  createdAt: Timestamp;
  id: Uuid;
  readAt?: Timestamp;
  senderId: Uuid;
  text: string;
}

/** An amount above zero: 1 to 12 digits, and up to 8 after a point. `"19.90"` */
export type Money = string;

/** The acknowledgement of who entered or left a room. */
export interface Moved {
  ok: true;
  /** The room that was named. */
  room: Room;
  /** Live, or out, from here on. */
  seq: number;
}

/** How many are in a namespace. */
export interface NamespaceCount {
  /** Which. */
  name: string;
  /** How many. */
  socketsCount: number;
}

/** A notification, as its user sees it. */
export interface Notification {
  createdAt: Timestamp;
  data?: unknown;
  deliveredAt?: Timestamp;
  id: Uuid;
  kind: string;
  message: string;
  readAt?: Timestamp;
  /** The place of its `new_notification`. */
  seq: number;
  status: "PENDING" | "DELIVERED" | "READ";
  userId: Uuid;
}

/** An offer. */
export interface Offer {
  buyerId: Uuid;
  createdAt: Timestamp;
  currency: Currency;
  id: Uuid;
  /** What was said last. */
  message: string | null;
  price: Money;
  /** Who named this price. The buyer can't accept one that the seller did not name. */
  priceBy: Uuid;
  requestId: Uuid;
  sellerId: Uuid;
  status: "PENDING" | "COUNTERED" | "ACCEPTED" | "DECLINED" | "WITHDRAWN";
  updatedAt: Timestamp;
}

/** A payment. */
export interface Payment {
  amount: Money;
  buyerId: Uuid;
  createdAt: Timestamp;
  currency: Currency;
  id: Uuid;
  offerId: Uuid;
  providerPaymentId: string | null;
  requestId: Uuid;
  sellerId: Uuid;
  status: "CREATED" | "PENDING" | "COMPLETED" | "FAILED";
  updatedAt: Timestamp;
}

/** A payout. */
export interface Payout {
  amount: Money;
  createdAt: Timestamp;
  currency: Currency;
  id: Uuid;
  paymentId: Uuid;
  sellerId: Uuid;
  status: "CREATED" | "COMPLETED" | "FAILED";
  txHash: string | null;
  updatedAt: Timestamp;
}

/** Whether a user is there: what is answered and told. */
export interface PresenceOf {
  /** How many there are now. */
  connections: number;
  /** Whether there is a connection, or was one a moment ago. */
  online: boolean;
  /** Who. */
  userId: Uuid;
}

/** The payload of `presence`. The last notice about a user whom one may watch no more says the same whatever is true. */
export interface PresenceTold {
  /** How many there are now. */
  connections: number;
  /** Only in that last one: there will be no more about this user. */
  ended?: boolean;
  /** Whether there is a connection, or was one a moment ago. */
  online: boolean;
  /** Who. */
  userId: Uuid;
}

/** The body of every refusal (RFC 9457), the error ack on sockets, and the `data` of `connect_error`. */
export interface Problem {
  /** What happened, for programs; stable. */
  code: string;
  /** What happened, for people. */
  detail: string;
  /** Faults of single fields. */
  errors?: Array<Fault>;
  /** The HTTP status. */
  status: number;
  /** The status in words. */
  title: string;
  /** Always `about:blank`: the code says which problem it is. */
  type: string;
}

/** A purchase request. */
export interface PurchaseRequest {
  acceptedOfferId: Uuid | null;
  budget: Money | null;
  buyerId: Uuid;
  category: string | null;
  createdAt: Timestamp;
  description: string;
  /** Its id. */
  id: Uuid;
  /** Whose offer was accepted. */
  sellerId: Uuid | null;
  status: "OPEN" | "IN_PROGRESS" | "COMPLETED" | "CANCELLED";
  title: string;
  updatedAt: Timestamp;
}

/** What a user may be. */
export type Role = 
  | "USER"
  | "ADMIN"
  | "SELLER"
  | "BUYER";

/** The name of a room, such as `user-{id}`, `all` or `topic-news`. */
export type Room = string;

/** A connection that entered or left a room. */
export interface RoomMove {
  /** Which connection. */
  id: string;
  /** Which room. */
  room: Room;
}

/** What every stored event carries besides its own. */
export interface Stored {
  /** Its place in the order: the cursor to come back with. */
  seq: number;
}

/** A time: RFC 3339, UTC, milliseconds. */
export type Timestamp = string;

/** A user. */
export interface User {
  createdAt: Timestamp;
  disabled: boolean;
  /** As it is looked up: in small letters. */
  email: string;
  firstName: string;
  id: Uuid;
  lastName: string;
  notifyAdminOnReviewRequest: boolean;
  /** Whether what stays undelivered for long may come by e-mail. */
  notifyByEmail: boolean;
  notifyOnEventUpdate: boolean;
  roles: Array<Role>;
  updatedAt: Timestamp;
  version: number;
}

/** An id: a UUID, v7. */
export type Uuid = string;

/** The acknowledgement of `presence:subscribe`. */
export interface Watching {
  ok: true;
  /** How each of those asked for is now, in the order asked. */
  presence: Array<PresenceOf>;
}

/** The payload of `ready`. */
export interface Ready {
  /** The connection's, for `X-Metadata-SocketId`. */
  id: string;
  /** Those asked for that are none, or not the user's. */
  refusedRooms: Array<string>;
  /** Whether everything after the cursor follows. */
  resumed: boolean;
  /** Whether the cursor was of no use: fetch again over HTTP. */
  resync: boolean;
  rooms: Array<Room>;
  /** Where the connection starts: the cursor to keep until more comes. */
  seq: number;
  user: { id: Uuid; roles: Array<Role>; };
}

/** The payload of `NEW_RECORD`. */
export type NewRecord = 
  | { record: CalendarEvent; seq: number; type: "EVENT"; }
  | { record: Job; seq: number; type: "JOB"; }
  | { record: Department; seq: number; type: "DEPARTMENT"; }
  | { record: EventGroup; seq: number; type: "EVENT_GROUP"; }
  | { record: User; seq: number; type: "USER"; };

/** The payload of `CHANGED_RECORD`. */
export type ChangedRecord = 
  | { record: CalendarEvent; seq: number; type: "EVENT"; }
  | { record: Job; seq: number; type: "JOB"; }
  | { record: Department; seq: number; type: "DEPARTMENT"; }
  | { record: EventGroup; seq: number; type: "EVENT_GROUP"; }
  | { record: User; seq: number; type: "USER"; };

/** The payload of `DELETED_RECORD`. */
export type DeletedRecord = 
  | { id: Uuid; seq: number; type: "EVENT"; }
  | { id: Uuid; seq: number; type: "JOB"; }
  | { id: Uuid; seq: number; type: "DEPARTMENT"; }
  | { id: Uuid; seq: number; type: "EVENT_GROUP"; }
  | { id: Uuid; seq: number; type: "USER"; };

/** The payload of `auth_expiring`. */
export interface AuthExpiring {
  expiresAt: Timestamp;
  /** How long that is from now. */
  seconds: number;
}

/** The payload of `new_notification`. */
export interface NewNotification {
  createdAt: Timestamp;
  data?: unknown;
  id: Uuid;
  kind: string;
  message: string;
  /** Its place in the order: the cursor to come back with. */
  seq: number;
  status: "PENDING" | "DELIVERED" | "READ";
  /** How much the user has not read, this one included. */
  unread: number;
  userId: Uuid;
}

/** The payload of `pending_notifications`. */
export interface PendingNotifications {
  /** Oldest first. */
  notifications: Array<Notification>;
  /** How much the user has not read. */
  unread: number;
}

/** The payload of `notification:read`. */
export interface NotificationRead {
  /** Not one but all. */
  all?: true;
  /** It is gone, not only read. */
  deleted?: true;
  id?: Uuid;
  readAt: Timestamp;
  /** How much the user has not read. */
  unread: number;
}

/** The payload of `incoming data`. */
export interface IncomingData {
  /** Any JSON: what the processor made of it; `null` where it says nothing. */
  data: unknown;
  /** Its place in the order: the cursor to come back with. */
  seq: number;
  status: "done" | "failed";
  uploadId: Uuid;
}

/** The payload of `request:created`. */
export type RequestCreated = PurchaseRequest & Stored;

/** The payload of `request:status-updated`. */
export interface RequestStatusUpdated {
  requestId: Uuid;
  /** Its place in the order: the cursor to come back with. */
  seq: number;
  status: "OPEN" | "IN_PROGRESS" | "COMPLETED" | "CANCELLED";
}

/** The payload of `request:offer-received`. */
export interface RequestOfferReceived {
  offer: Offer;
  requestId: Uuid;
  /** Its place in the order: the cursor to come back with. */
  seq: number;
}

/** The payload of `offer:negotiation-update`. */
export interface OfferNegotiationUpdate {
  /** What was said. */
  message: string;
  offerId: Uuid;
  /** Its place in the order: the cursor to come back with. */
  seq: number;
}

/** The payload of `offer:accepted`. */
export interface OfferAccepted {
  offerId: Uuid;
  /** Its place in the order: the cursor to come back with. */
  seq: number;
}

/** The payload of `chat:new-message`. */
export type ChatNewMessage = Message & Stored;

/** The payload of `chat:message-read`. */
export interface ChatMessageRead {
  chatId: Uuid;
  messageId: Uuid;
  readAt: Timestamp;
  /** Its place in the order: the cursor to come back with. */
  seq: number;
  /** Who has read it. */
  userId: Uuid;
}

/** The payload of `chat:typing`. */
export interface ChatTyping {
  chatId: Uuid;
  /** Who is writing. */
  userId: Uuid;
}

/** The payload of `chat:stopped-typing`. */
export interface ChatStoppedTyping {
  chatId: Uuid;
  /** Who is writing. */
  userId: Uuid;
}

/** The payload of `payment:created`. */
export type PaymentCreated = Payment & Stored;

/** The payload of `payment:status-updated`. */
export interface PaymentStatusUpdated {
  paymentId: Uuid;
  providerPaymentId: string | null;
  /** Its place in the order: the cursor to come back with. */
  seq: number;
  status: "CREATED" | "PENDING" | "COMPLETED" | "FAILED";
}

/** The payload of `payment:completed`. */
export interface PaymentCompleted {
  paymentId: Uuid;
  /** Its place in the order: the cursor to come back with. */
  seq: number;
}

/** The payload of `payout:created`. */
export type PayoutCreated = Payout & Stored;

/** The payload of `payout:completed`. */
export interface PayoutCompleted {
  payoutId: Uuid;
  /** Its place in the order: the cursor to come back with. */
  seq: number;
  txHash: string | null;
}

/** The payload of `dispute:opened`. */
export type DisputeOpened = Dispute & Stored;

/** The payload of `dispute:evidence-added`. */
export interface DisputeEvidenceAdded {
  disputeId: Uuid;
  evidence: Evidence;
  /** Its place in the order: the cursor to come back with. */
  seq: number;
}

/** The payload of `dispute:resolved`. */
export interface DisputeResolved {
  disputeId: Uuid;
  resolution: string;
  /** Its place in the order: the cursor to come back with. */
  seq: number;
}

/** The payload of `system:announcement`. */
export interface SystemAnnouncement {
  message: string;
  /** Its place in the order: the cursor to come back with. */
  seq: number;
}

/** The payload of `system:maintenance`. */
export interface SystemMaintenance {
  message: string;
  /** Its place in the order: the cursor to come back with. */
  seq: number;
  startsAt: Timestamp;
}

/** The payload of `presence`. */
export type Presence = PresenceTold;

/** The payload of `connections` on `/admin`. */
export interface Connections {
  /** Whether these are all: what was told before is over. */
  all: boolean;
  /** Those that are there, or that came. */
  connected: Array<ConnectionInfo>;
  /** Those that went. */
  disconnected: Array<string>;
  /** Who entered which room. */
  joined: Array<RoomMove>;
  /** Who left which room. */
  left: Array<RoomMove>;
  /** How many there are, where these are all; at most 1,000 of them are shown. */
  total?: number;
}

/** The payload of `server_stats` on `/admin`. */
export interface ServerStats {
  /** What happened since it was told last. */
  aggregatedEvents: Array<Counted>;
  /** Connections on any wire. */
  clientsCount: number;
  /** The broker's numbers. */
  connections: BrokerStats;
  /** The machine's name. */
  hostname: string;
  /** Always one: `/`. */
  namespaces: Array<NamespaceCount>;
  /** The process's number. */
  pid: number;
  /** Of these, those that are polling. */
  pollingClientsCount: number;
  /** Names this process among others. */
  serverId: string;
  /** For how long it runs, in seconds. */
  uptime: number;
  /** Herald's version. */
  version: string;
}

/** What Herald sends. Add what other back ends publish: `ServerToClientEvents & { "order:created": ... }`. */
export interface ServerToClientEvents {
  /** First event on every connection. */
  ready: (payload: Ready) => void;
  /** A record came to be, or came into sight. */
  NEW_RECORD: (payload: NewRecord) => void;
  /** A record changed. */
  CHANGED_RECORD: (payload: ChangedRecord) => void;
  /** A record went, or went out of sight. */
  DELETED_RECORD: (payload: DeletedRecord) => void;
  /** The token ends in 60 s. */
  auth_expiring: (payload: AuthExpiring) => void;
  /** Something for one user's inbox. */
  new_notification: (payload: NewNotification, confirm?: (answer?: unknown) => void) => void;
  /** The same as `new_notification`, which it follows directly, with the same `seq`. */
  "notification:received": (payload: NewNotification, confirm?: (answer?: unknown) => void) => void;
  /** What waited for the user, on connecting. */
  pending_notifications: (payload: PendingNotifications, confirm?: (answer?: unknown) => void) => void;
  /** Something in the inbox was read or deleted. */
  "notification:read": (payload: NotificationRead) => void;
  /** What the processor made of an upload. */
  "incoming data": (payload: IncomingData) => void;
  /** A buyer asks for something. */
  "request:created": (payload: RequestCreated) => void;
  /** A purchase request moved. */
  "request:status-updated": (payload: RequestStatusUpdated) => void;
  /** A seller made an offer. */
  "request:offer-received": (payload: RequestOfferReceived) => void;
  /** The two sides of an offer negotiate. */
  "offer:negotiation-update": (payload: OfferNegotiationUpdate) => void;
  /** The buyer took an offer. */
  "offer:accepted": (payload: OfferAccepted) => void;
  /** Somebody wrote in a chat. */
  "chat:new-message": (payload: ChatNewMessage) => void;
  /** A message was read. */
  "chat:message-read": (payload: ChatMessageRead) => void;
  /** Somebody is writing; live only. */
  "chat:typing": (payload: ChatTyping) => void;
  /** Somebody is writing no more; live only. */
  "chat:stopped-typing": (payload: ChatStoppedTyping) => void;
  /** A buyer is about to pay. */
  "payment:created": (payload: PaymentCreated) => void;
  /** The payment provider told how far a payment is. */
  "payment:status-updated": (payload: PaymentStatusUpdated) => void;
  /** The money is there. */
  "payment:completed": (payload: PaymentCompleted) => void;
  /** A seller is about to be paid. */
  "payout:created": (payload: PayoutCreated) => void;
  /** A seller was paid. */
  "payout:completed": (payload: PayoutCompleted) => void;
  /** A party of a request disputes it. */
  "dispute:opened": (payload: DisputeOpened) => void;
  /** Something was said in a dispute. */
  "dispute:evidence-added": (payload: DisputeEvidenceAdded) => void;
  /** An administrator decided a dispute. */
  "dispute:resolved": (payload: DisputeResolved) => void;
  /** Herald's operators tell everybody something. */
  "system:announcement": (payload: SystemAnnouncement) => void;
  /** Herald will be away for a while. */
  "system:maintenance": (payload: SystemMaintenance) => void;
  /** Whether a user whom one watches is there; live only. */
  presence: (payload: Presence) => void;
}

/** What Herald understands. It acknowledges everything: with what is named here, or with a `Problem`. */
export interface ClientToServerEvents {
  /** Enter the room of one's own connections, in which one is already. */
  "join-user-room": (data: { id: Uuid; } | Uuid, acknowledge: (answer: Moved | Problem) => void) => void;
  /** Enter one's own room as a seller, and that of all sellers. */
  "join-seller-room": (data: { id: Uuid; } | Uuid, acknowledge: (answer: Moved | Problem) => void) => void;
  /** Leave them. */
  "leave-seller-room": (data: { id: Uuid; } | Uuid, acknowledge: (answer: Moved | Problem) => void) => void;
  /** Enter one's own room as a buyer, and that of all buyers. */
  "join-buyer-room": (data: { id: Uuid; } | Uuid, acknowledge: (answer: Moved | Problem) => void) => void;
  /** Leave them. */
  "leave-buyer-room": (data: { id: Uuid; } | Uuid, acknowledge: (answer: Moved | Problem) => void) => void;
  /** Follow a purchase request: its buyer, its accepted seller, administrators. */
  "join-request-room": (data: { id: Uuid; } | Uuid, acknowledge: (answer: Moved | Problem) => void) => void;
  /** Follow it no more. */
  "leave-request-room": (data: { id: Uuid; } | Uuid, acknowledge: (answer: Moved | Problem) => void) => void;
  /** Follow a chat: its two people. */
  "join-chat-room": (data: { id: Uuid; } | Uuid, acknowledge: (answer: Moved | Problem) => void) => void;
  /** Follow it no more. */
  "leave-chat-room": (data: { id: Uuid; } | Uuid, acknowledge: (answer: Moved | Problem) => void) => void;
  /** Enter a room by its name, such as a topic. */
  join: (data: { room: Room; } | Room, acknowledge: (answer: Moved | Problem) => void) => void;
  /** Leave it. */
  leave: (data: { room: Room; } | Room, acknowledge: (answer: Moved | Problem) => void) => void;
  /** Go on with a newer token. */
  authenticate: (data: { token: string; } | string, acknowledge: (answer: Done | Problem) => void) => void;
  /** Say that notifications have arrived. */
  "notification:ack": (data: { ids: Array<Uuid>; } | Array<Uuid>, acknowledge: (answer: Done | Problem) => void) => void;
  /** Tell the other that one is writing. */
  "chat:typing": (data: { chatId: Uuid; } | Uuid, acknowledge?: (answer: Done | Problem) => void) => void;
  /** Tell the other that one is writing no more. */
  "chat:stopped-typing": (data: { chatId: Uuid; } | Uuid, acknowledge?: (answer: Done | Problem) => void) => void;
  /** Hear when these users come and go. */
  "presence:subscribe": (data: { userIds: Array<Uuid>; } | Array<Uuid>, acknowledge: (answer: Watching | Problem) => void) => void;
  /** Hear of these no more, or of nobody. */
  "presence:unsubscribe": (data: 
  | { userIds: Array<Uuid>; }
  | Array<Uuid>
  | null, acknowledge: (answer: Done | Problem) => void) => void;
  /** Say back what comes with it: how long the way to the server and back takes. */
  echo: (data: unknown, acknowledge: (answer: Echoed | Problem) => void) => void;
}

/** What Herald sends on `/admin`, to administrators. */
export interface AdminServerToClientEvents {
  /** Who is connected: all of them first, and again when too much happened at once; then what changed. */
  connections: (payload: Connections) => void;
  /** How this node does, every two seconds. */
  server_stats: (payload: ServerStats) => void;
  /** As on `/`. */
  auth_expiring: (payload: AuthExpiring) => void;
}

/** What Herald understands on `/admin`; the Admin UI has words of its own. */
export type AdminClientToServerEvents = Pick<ClientToServerEvents, "authenticate">;
