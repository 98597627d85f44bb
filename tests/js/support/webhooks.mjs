// Callbacks as any library for Standard Webhooks signs them; Node's own HMAC, not Herald's.

import { createHmac, randomBytes, randomUUID } from "node:crypto";

export const WEBHOOK_SECRET = `whsec_${randomBytes(32).toString("base64")}`;

/** The headers of a message with this body. */
export function signed(body, { id = `msg_${randomUUID()}`, timestamp = Math.floor(Date.now() / 1000) } = {}) {
  const key = Buffer.from(WEBHOOK_SECRET.slice("whsec_".length), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "content-type": "application/json", "webhook-id": id, "webhook-timestamp": `${timestamp}`, "webhook-signature": `v1,${signature}` };
}
