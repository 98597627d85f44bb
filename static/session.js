// Herald over HTTP for a browser, without any page: `Session` logs in, keeps its tokens fresh and sends requests;
// what goes wrong is thrown as a `Problem`.

const KEPT = "herald.session";

/** An answer that is not a success: RFC 9457 fields, whatever the server (or the network) made of it. */
export class Problem extends Error {
  constructor({ status = 0, code = "unknown", title = "", detail = "", errors = [] }) {
    super(detail || title || code);
    Object.assign(this, { status, code, title, detail, errors: Array.isArray(errors) ? errors : [] });
  }
}

async function problemOf(response) {
  let body = {};
  try { body = await response.json(); } catch { /* a proxy's page, or nothing: the status has to do */ }
  return new Problem({ title: response.statusText || `HTTP ${response.status}`, ...body, status: response.status });
}

/** Who is logged in, in this tab. */
export class Session {
  #refreshing;
  #release;

  constructor() {
    this.onGone = () => {};   // the login has ended without a logout
    this.tokens = undefined;
    this.user = undefined;
    this.cut = false;
  }

  get isAdmin() { return this.user?.roles?.includes("ADMIN") ?? false; }

  async login(email, password) {
    const answer = await this.#fetch("POST", "/v1/auth/login", { body: { email, password } });
    if (!answer.ok) throw await problemOf(answer);
    this.#keep(await answer.json());
    await this.#claim();
  }

  /** Takes up the login this tab had before a reload. A copied tab may not: see `#claim`. */
  async restore() {
    try { this.tokens = JSON.parse(sessionStorage.getItem(KEPT) ?? "null") ?? undefined; } catch { /* not ours */ }
    if (!this.tokens) return false;
    if (!await this.#claim()) return this.#drop();
    try {
      this.user = (await this.request("GET", "/v1/user")).data;
    } catch (problem) {
      if (problem.status !== 401) throw problem;
      return this.#drop();
    }
    return true;
  }

  async logout() {
    try { await this.request("POST", "/v1/auth/logout"); } catch { /* the tokens are dropped either way */ }
    this.#drop();
  }

  /**
   * One request (its body JSON, or a form with files), answered `{status, data, seq, next, headers}` or thrown as `Problem`. A token near its end is renewed
   * before, one that turns out refused is renewed once after.
   */
  async request(method, path, { body, ifMatch, signal } = {}) {
    if (!this.tokens) throw new Problem({ status: 401, code: "unauthorized", title: "Not logged in" });
    if (Date.now() > this.tokens.renewAt) await this.renew();
    let token = this.tokens.accessToken;
    let answer = await this.#fetch(method, path, { body, ifMatch, token, signal });
    if (answer.status === 401) {
      if (this.tokens?.accessToken === token) await this.renew();
      token = this.tokens.accessToken;
      answer = await this.#fetch(method, path, { body, ifMatch, token, signal });
    }
    if (!answer.ok) throw await problemOf(answer);
    const text = await answer.text();
    const seq = Number(answer.headers.get("X-Herald-Seq") ?? NaN);
    const next = /<([^>]*)>\s*;\s*rel="?next"?/.exec(answer.headers.get("Link") ?? "")?.[1];
    return { status: answer.status, data: text ? JSON.parse(text) : undefined, seq, next, headers: answer.headers };
  }

  /** New tokens. One at a time: a refresh token works once, and using it twice ends the login. */
  renew() {
    this.#refreshing ??= (async () => {
      const answer = await this.#fetch("POST", "/v1/auth/refresh", { body: { refreshToken: this.tokens?.refreshToken } });
      if (!answer.ok) {
        const problem = await problemOf(answer);
        if (problem.status >= 400 && problem.status < 500 && problem.status !== 429) {
          this.#drop();
          this.onGone();
        }
        throw problem;
      }
      this.#keep(await answer.json());
    })().finally(() => { this.#refreshing = undefined; });
    return this.#refreshing;
  }

  async #fetch(method, path, { body, ifMatch, token, signal }) {
    if (this.cut) throw new Problem({ code: "offline", title: "The connection is cut", detail: "The connection is cut: let it back first." });
    const headers = {};
    const form = body instanceof FormData;
    if (body !== undefined && !form) headers["Content-Type"] = "application/json";
    if (token) headers.Authorization = `Bearer ${token}`;
    if (ifMatch !== undefined) headers["If-Match"] = `"${ifMatch}"`;
    try {
      return await fetch(path, { method, headers, signal, cache: "no-store", body: body === undefined || form ? body : JSON.stringify(body) });
    } catch (cause) {
      if (signal?.aborted) throw cause;
      throw new Problem({ code: "unreachable", title: "Herald can't be reached", detail: "Herald can't be reached just now." });
    }
  }

  #keep(answer) {
    const { accessToken, refreshToken, expiresIn, user } = answer;
    const lasts = Math.max(5, Number(expiresIn) || 60);
    this.tokens = { accessToken, refreshToken, renewAt: Date.now() + (lasts - Math.min(30, lasts / 4)) * 1000 };
    if (user) this.user = user;
    sessionStorage.setItem(KEPT, JSON.stringify(this.tokens));
  }

  #drop() {
    this.tokens = undefined;
    this.user = undefined;
    sessionStorage.removeItem(KEPT);
    this.#release?.();
    this.#release = undefined;
    return false;
  }

  /**
   * "Duplicate tab" copies the session storage, and two tabs renewing with one refresh token look like a thief:
   * the server would end the login. So a tab holds a lock named after its login; a copy doesn't get it.
   */
  #claim() {
    if (!navigator.locks) return Promise.resolve(true);
    const sid = sidOf(this.tokens.accessToken);
    return new Promise((claimed) => {
      navigator.locks.request(`herald-${sid}`, { signal: AbortSignal.timeout(1500) }, () => {
        claimed(true);
        return new Promise((release) => { this.#release = release; });
      }).catch(() => claimed(false));
    });
  }
}

function sidOf(token) {
  try { return JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).sid ?? token; } catch { return token; }
}
