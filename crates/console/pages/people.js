// Who is connected.

import { read, run } from "./api.js";
import { ask, cell, el, problem, table, tell } from "./dom.js";

const PAGE = 50;

function state(session) {
  if (session.ending) return ["leaving", "off"];
  if (!session.available) return ["connected", "off"];
  const away = { away: "away", xa: "away for long", dnd: "do not disturb", chat: "wants to chat" };
  const kind = session.show === "away" || session.show === "xa" ? "away" : session.show === "dnd" ? "busy" : "on";
  return [away[session.show] ?? "available", kind];
}

async function carryOut(name, address, done) {
  try {
    const report = await run(name, { accountjids: [address] });
    const failed = report.notes.find((note) => note.severity === "error");
    if (failed) tell(failed.text, "error");
    else tell(done);
  } catch (error) {
    tell(error.message, "error");
  }
}

function row(session, refresh) {
  const kick = async () => {
    if (!(await ask("End this session?", `${session.jid} can log in again at once.`, "End it"))) return;
    await carryOut("end-user-session", session.jid, `${session.jid} was told to go.`);
    setTimeout(refresh, 250);
  };
  const disable = async () => {
    const text = `${session.account} cannot log in until it is enabled again, and its sessions end.`;
    if (!(await ask("Disable this account?", text, "Disable it"))) return;
    await carryOut("disable-user", session.account, `${session.account} is disabled.`);
    setTimeout(refresh, 250);
  };
  const [text, kind] = state(session);
  return el(
    "tr",
    {},
    cell("Session", el("span", { class: "jid" }, session.account, el("span", { class: "muted" }, `/${session.resource}`))),
    cell("Is", el("span", { class: `state ${kind}` }, text), session.guest ? el("span", { class: "tag" }, "guest") : null),
    cell("Priority", session.priority === null ? "–" : String(session.priority)),
    cell("Waiting", String(session.queued)),
    el(
      "td",
      { class: "actions" },
      el("a", { class: "button quiet", href: `#/inspector/${encodeURIComponent(session.jid)}` }, "Follow", el("span", { class: "unseen" }, ` ${session.jid}`)),
      el("button", { type: "button", class: "quiet", onclick: kick }, "End", el("span", { class: "unseen" }, ` the session ${session.jid}`)),
      el("button", { type: "button", class: "quiet danger", onclick: disable }, "Disable", el("span", { class: "unseen" }, ` ${session.account}`)),
    ),
  );
}

/** A list of sessions, page by page. */
export async function people(place, signal) {
  const before = [];
  let after = "";
  const search = el("input", { type: "search", id: "search", autocomplete: "off", spellcheck: "false", placeholder: "juliet" });
  const list = el("div", {});
  const count = el("p", { class: "muted", role: "status" });
  const back = el("button", { type: "button", class: "quiet", disabled: true }, "Back");
  const next = el("button", { type: "button", class: "quiet", disabled: true }, "Further");
  let following = null;

  async function refresh() {
    if (signal.aborted) return;
    try {
      const query = { after, limit: PAGE, search: search.value.trim() };
      const found = await read("sessions", query, signal);
      following = found.next;
      back.disabled = before.length === 0;
      next.disabled = !following;
      pager.hidden = back.disabled && next.disabled;
      count.textContent = found.total === 1 ? "One session" : `${found.total} sessions`;
      const rows = found.sessions.map((session) => row(session, refresh));
      list.replaceChildren(
        rows.length > 0
          ? table("Sessions", ["Session", "Is", "Priority", "Waiting", "Actions"], rows)
          : el("p", { class: "empty" }, search.value ? "Nobody is called that." : "Nobody is connected."),
      );
    } catch (error) {
      if (!signal.aborted) list.replaceChildren(problem(error));
    }
  }

  let typing;
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      before.length = 0;
      after = "";
      refresh();
    }, 200);
  });
  back.addEventListener("click", () => {
    after = before.pop() ?? "";
    refresh();
  });
  next.addEventListener("click", () => {
    before.push(after);
    after = following;
    refresh();
  });
  const pager = el("div", { class: "row" }, back, next);
  place.replaceChildren(
    el("h1", {}, "People"),
    el(
      "div",
      { class: "row tools" },
      el("label", { for: "search" }, "Find"),
      search,
      el("button", { type: "button", class: "quiet", onclick: refresh }, "Look again"),
      count,
    ),
    list,
    pager,
  );
  await refresh();
}
