// The frame around the views: who is here, and which view is shown.

import { change, lost, session, whoami } from "./api.js";
import { problem, tell } from "./dom.js";
import { commands } from "./commands.js";
import { inspector } from "./inspector.js";
import { live } from "./live.js";
import { overview } from "./overview.js";
import { people } from "./people.js";

// Each fills an element, and stops what it has begun when the signal says so.
const VIEWS = { overview, people, live, inspector, commands };

const $ = (id) => document.getElementById(id);
let leaving = new AbortController();

function shown(login) {
  $("waiting").hidden = true;
  $("login").hidden = !login;
  for (const id of ["nav", "who", "view"]) $(id).hidden = login;
}

async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const [name, ...rest] = location.hash.replace(/^#\//, "").split("/");
  const view = VIEWS[name] ? name : "overview";
  for (const link of $("nav").querySelectorAll("a")) {
    const here = link.hash === `#/${view}`;
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${view[0].toUpperCase()}${view.slice(1)} · sestina console`;
  const place = $("view");
  place.replaceChildren();
  place.setAttribute("aria-busy", "true");
  try {
    let argument = "";
    try {
      argument = decodeURIComponent(rest.join("/"));
    } catch {
      // What cannot be decoded names nothing.
    }
    await VIEWS[view](place, signal, argument);
  } catch (error) {
    if (!signal.aborted) place.replaceChildren(problem(error));
  }
  if (!signal.aborted) place.removeAttribute("aria-busy");
}

function enter() {
  $("who-name").textContent = session.operator ? "at the machine" : session.account;
  $("logout").hidden = session.operator;
  $("domain-choice").hidden = session.domains.length < 2;
  $("domain").replaceChildren(...session.domains.map((domain) => new Option(domain, domain)));
  session.domain ??= session.domains.find((it) => session.account?.endsWith(`@${it}`)) ?? session.domains[0] ?? null;
  $("domain").value = session.domain ?? "";
  shown(false);
  return show();
}

function leave(text) {
  leaving.abort();
  Object.assign(session, { account: null, token: null, domains: [], domain: null });
  $("view").replaceChildren();
  shown(true);
  $("login-account").focus();
  if (text) tell(text);
}

$("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  const told = $("login-problem");
  const button = form.querySelector("button");
  told.hidden = true;
  button.disabled = true;
  try {
    const { account, password } = Object.fromEntries(new FormData(form));
    await change("login", { account, password });
    form.reset();
    if (await whoami()) await enter();
  } catch (error) {
    told.textContent = error.message;
    told.hidden = false;
    $("login-password").focus();
  } finally {
    button.disabled = false;
  }
});

$("logout").addEventListener("click", async () => {
  await change("logout").catch(() => {});
  leave("You are logged out.");
});

$("domain").addEventListener("change", (event) => {
  session.domain = event.currentTarget.value;
  show();
});

lost.addEventListener("lost", () => leave("You are not logged in any more."));

window.addEventListener("hashchange", () => {
  if (session.token) show().then(() => $("main").focus({ preventScroll: true }));
});

whoami().then((known) => (known ? enter() : leave())).catch((error) => {
  $("waiting").replaceWith(problem(error));
});
