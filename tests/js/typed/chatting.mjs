// @ts-check
// A typed client of plain JavaScript: the compiler checks it, typed-events.test.mjs runs it.

import { io } from "socket.io-client";

/**
 * @import { Socket } from "socket.io-client"
 * @import { ChatNewMessage, ClientToServerEvents, Ready, ServerToClientEvents } from "../../../docs/herald-events.d.ts"
 */

/** Somebody in a chat. */
export class Chatting {
  /**
   * @param {string} url
   * @param {string} token
   * @param {string} chatId
   */
  constructor(url, token, chatId) {
    this.chatId = chatId;
    /** @type {Socket<ServerToClientEvents, ClientToServerEvents>} */
    this.socket = io(url, { auth: { token }, transports: ["websocket"], forceNew: true, reconnection: false });
    /** @type {Promise<Ready>} */
    this.ready = new Promise((done) => { this.socket.once("ready", done); });
  }

  /** @returns {Promise<number>} the place from which on one hears of the chat */
  async enter() {
    const answer = await this.socket.timeout(20_000).emitWithAck("join-chat-room", { id: this.chatId });
    if (!("ok" in answer)) throw new Error(`${answer.code}: ${answer.detail}`);
    return answer.seq;
  }

  /** Lets the other know that one is writing. */
  type() { this.socket.emit("chat:typing", { chatId: this.chatId }); }

  /** @returns {Promise<string>} who writes */
  typing() { return new Promise((done) => { this.socket.once("chat:typing", ({ userId }) => done(userId)); }); }

  /** @returns {Promise<ChatNewMessage>} */
  message() { return new Promise((done) => { this.socket.once("chat:new-message", done); }); }

  close() { this.socket.disconnect(); }
}
