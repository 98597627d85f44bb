import { Session } from "../session.js";

/** The login of this tab. What happens when it ends says gate.js. */
export const session = new Session();
