// The AsyncAPI document of Herald's events, held against everything that these tests hear: what it says has to be
// true, and all of it has to be said. Clients are told that fields may be added; here one that is not written down is
// a misfit, so that it gets written down.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import Ajv from "ajv";
import addFormats from "ajv-formats";

const FILE = resolve(import.meta.dirname, "../../../docs/asyncapi.json");

export const DOCUMENT = JSON.parse(readFileSync(FILE, "utf8"));

const messages = Object.entries(DOCUMENT.components.messages);
const isTold = ([, message]) => "x-stored" in message;

/** The names of all that Herald sends. */
export const EVENTS = messages.filter(isTold).map(([, { name }]) => name);

const at = (ref) => ref.split("/").slice(1).reduce((value, key) => value[key], DOCUMENT);
const whole = (schema) => (schema.$ref ? whole(at(schema.$ref)) : schema);

/** The same, with no room for what is not named. */
function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== "object") return schema;
  const parts = schema.allOf?.map(whole);
  if (parts?.every(({ properties }) => properties)) {
    const required = parts.flatMap((part) => part.required ?? []);
    return closed({ type: "object", properties: Object.assign({}, ...parts.map((part) => part.properties)), required });
  }
  const inside = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return inside.properties ? { ...inside, additionalProperties: false } : inside;
}

const ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
ajv.addSchema(closed(DOCUMENT), "herald");

const validators = (which, key) => new Map(messages.filter(which).map(([name, message]) => [
  key(name, message),
  ajv.compile({ $ref: `herald#/components/messages/${name}/payload` }),
]));
const told = validators(isTold, (_, { name }) => name);
const administration = validators(([name]) => name.startsWith("Admin"), (_, { name }) => name);
const answers = validators(([name]) => name.startsWith("Answer"), (_, { name }) => name);

function misfit(valid, what, data) {
  if (!valid || valid(data)) return undefined;
  return `${what} is not what docs/asyncapi.json says: ${ajv.errorsText(valid.errors)}: ${JSON.stringify(data)}`;
}

/** How this event is not as it is written down; nothing where it is, and for what other back ends publish. */
export const misfitOf = (event, data) => misfit(told.get(event), event, data);

/** ... and how this acknowledgement is not. */
export const misfitOfAnswer = (event, answer) => misfit(answers.get(event), `the answer to ${event}`, answer);

/** ... and how this event on `/admin` is not. */
export const misfitOnAdmin = (event, data) => misfit(administration.get(event), `${event} on /admin`, data);

/** What is told on `/admin`. */
export const ADMIN_EVENTS = [...administration.keys()];
