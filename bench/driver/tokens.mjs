// Tokens that Herald and the Node servers take: one user each, every fiftieth an administrator, the first among them.
import { createHmac } from "node:crypto";

export const SECRET = "bench-secret-not-for-production-0123456789";
const DAY = 86_400;

const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const uuid = (number) => `00000000-0000-7000-8000-${String(number).padStart(12, "0")}`;

export function mint(count) {
  const iat = Math.floor(Date.now() / 1000);
  return Array.from({ length: count }, (_, number) => {
    const roles = number % 50 ? ["USER"] : ["USER", "ADMIN"];
    const claims = { sub: uuid(number), sid: uuid(number), iss: "herald", aud: "herald", roles, iat, exp: iat + DAY };
    const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
    return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
  });
}
