// Asking the server.

/** Who is here, and what their pages must know to change something. */
export const session = { account: null, operator: false, token: null, domains: [], domain: null };

/** What the server has said no to. */
export class Refused extends Error {
  constructor(status, told) {
    super([told.title, told.detail].filter(Boolean).join(": ") || `The server answers ${status}.`);
    this.status = status;
    this.errors = told.errors;
  }
}

/** Whoever wants to know that nobody is logged in any more. */
export const lost = new EventTarget();

/** The address of something in the API, for the domain that was chosen. */
export function at(path, query = {}) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries({ domain: session.domain, ...query })) {
    if (value !== null && value !== undefined && value !== "") parameters.set(name, value);
  }
  const asked = parameters.toString();
  return `/api/${path}${asked ? `?${asked}` : ""}`;
}

async function answer(response) {
  const told = await response.json().catch(() => ({}));
  if (response.ok) return told;
  if (response.status === 401 && session.token) lost.dispatchEvent(new Event("lost"));
  throw new Refused(response.status, told);
}

/** Reads something. */
export async function read(path, query, signal) {
  return answer(await fetch(at(path, query), { signal, credentials: "same-origin" }));
}

/** Has something done. */
export async function change(path, body = {}, query) {
  const headers = { "content-type": "application/json" };
  if (session.token) headers["x-sestina-token"] = session.token;
  const options = { method: "POST", headers, body: JSON.stringify(body), credentials: "same-origin" };
  return answer(await fetch(at(path, query), options));
}

/** Runs a command, by its name. */
export function run(name, answers) {
  return change(`commands/${encodeURIComponent(name)}`, answers);
}

/** Finds out who is here. */
export async function whoami() {
  const known = await read("session");
  Object.assign(session, { account: null, operator: false, token: null, domains: [] }, known);
  if (!session.domains.includes(session.domain)) session.domain = null;
  return Boolean(session.token);
}
