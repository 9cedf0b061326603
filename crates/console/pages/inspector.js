// Following a session as it speaks.

import { at, read } from "./api.js";
import { el, tell } from "./dom.js";

const KEPT = 500;

/** Breaks XML into lines, each as deep as it stands. For people: what is read is what came. */
function lines(xml) {
  const pieces = xml.match(/<[^>]*>|[^<]+/g) ?? [];
  const out = [];
  let depth = 0;
  for (let i = 0; i < pieces.length; i += 1) {
    const piece = pieces[i];
    if (piece.startsWith("</")) {
      depth -= 1;
      out.push([depth, piece]);
    } else if (piece.startsWith("<")) {
      const [text, end] = [pieces[i + 1], pieces[i + 2]];
      if (!piece.endsWith("/>") && text && !text.startsWith("<") && end?.startsWith("</")) {
        out.push([depth, piece + text + end]);
        i += 2;
      } else {
        out.push([depth, piece]);
        if (!piece.endsWith("/>")) depth += 1;
      }
    } else if (piece.trim()) {
      out.push([depth, piece]);
    }
  }
  return out.map(([deep, text]) => "  ".repeat(Math.max(deep, 0)) + text).join("\n");
}

function entry(seen) {
  const time = new Date(seen.at);
  const sent = seen.direction === "in";
  return el(
    "li",
    { class: `stanza ${seen.direction}`, "data-text": `${seen.name} ${seen.xml}`.toLowerCase() },
    el(
      "p",
      { class: "line" },
      el("span", { class: "way" }, sent ? "→ server" : "← server"),
      el("code", {}, seen.name),
      el("span", { class: "muted" }, seen.session.split("/").slice(1).join("/")),
      el("time", { datetime: seen.at, class: "muted" }, Number.isNaN(time.valueOf()) ? seen.at : time.toLocaleTimeString()),
    ),
    el("pre", { class: "xml" }, lines(seen.xml)),
  );
}

/** Follows a session, or all of an account. */
export async function inspector(place, signal, address) {
  const whom = el("input", { id: "whom", list: "whom-list", autocomplete: "off", spellcheck: "false", required: true, placeholder: "juliet@capulet.example", value: address });
  const offered = el("datalist", { id: "whom-list" });
  const texts = el("input", { id: "texts", type: "checkbox" });
  const filter = el("input", { id: "filter", type: "search", autocomplete: "off", spellcheck: "false", placeholder: "presence" });
  const start = el("button", { type: "submit" }, "Follow");
  const pause = el("button", { type: "button", class: "quiet", "aria-pressed": "false", disabled: true }, "Pause");
  const clear = el("button", { type: "button", class: "quiet" }, "Clear");
  const state = el("p", { class: "muted", role: "status" }, "Nobody is followed.");
  const log = el("ol", { class: "log", "aria-label": "Stanzas", tabindex: "0" });
  let source = null;
  let paused = false;
  let held = [];
  let missed = 0;

  const wanted = () => filter.value.trim().toLowerCase();
  const matches = (item) => item.dataset.text.includes(wanted());

  function put(seen) {
    const item = entry(seen);
    item.hidden = !matches(item);
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.append(item);
    while (log.children.length > KEPT) log.firstElementChild.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  function say(text) {
    state.textContent = missed > 0 ? `${text} ${missed} went by unseen.` : text;
  }

  function stop(text) {
    source?.close();
    source = null;
    start.textContent = "Follow";
    pause.disabled = true;
    say(text);
  }

  function follow() {
    const jid = whom.value.trim();
    missed = 0;
    held = [];
    source = new EventSource(at(`follow/${encodeURIComponent(jid)}`, { texts: texts.checked ? "true" : "" }));
    start.textContent = "Stop";
    say(`Waiting for ${jid}…`);
    source.addEventListener("open", () => {
      pause.disabled = false;
      say(`Following ${jid}.`);
    });
    source.addEventListener("stanza", (event) => {
      const seen = JSON.parse(event.data);
      missed += seen.missed;
      if (seen.missed > 0) say(`Following ${jid}.`);
      if (paused) {
        held.push(seen);
        if (held.length > KEPT) held.shift();
        pause.textContent = `Go on (${held.length})`;
      } else {
        put(seen);
      }
    });
    source.addEventListener("over", () => stop("You may not follow anybody any more."));
    source.addEventListener("error", async () => {
      if (source?.readyState !== EventSource.CLOSED) {
        say("The connection was lost; trying again…");
        return;
      }
      stop("Nobody is followed.");
      // An event source does not say why; asking about the session may.
      await read(`sessions/${encodeURIComponent(jid)}`, {}, signal).then(
        () => tell("This session cannot be followed: too many follow somebody, perhaps.", "error"),
        (error) => signal.aborted || tell(error.message, "error"),
      );
    });
  }

  const form = el(
    "form",
    {
      class: "card tools",
      onsubmit: (event) => {
        event.preventDefault();
        if (source) stop("Nobody is followed.");
        else follow();
      },
    },
    el("div", { class: "field grow" }, el("label", { for: "whom" }, "Session or account"), whom, offered),
    el("div", { class: "field" }, el("label", { for: "filter" }, "Show only"), filter),
    el("label", { class: "check", for: "texts" }, texts, "Show what people write"),
    el("div", { class: "row" }, start, pause, clear),
  );
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Go on" : "Pause";
    if (!paused) held.splice(0).forEach(put);
  });
  clear.addEventListener("click", () => log.replaceChildren());
  filter.addEventListener("input", () => {
    for (const item of log.children) item.hidden = !matches(item);
    log.scrollTop = log.scrollHeight;
  });
  texts.addEventListener("change", () => {
    if (!source) return;
    stop("");
    follow();
  });
  signal.addEventListener("abort", () => source?.close());
  place.replaceChildren(
    el("h1", {}, "Inspector"),
    el("p", { class: "muted" }, "Passwords are never shown, what people write only if you ask for it, and the log says who followed whom."),
    form,
    state,
    log,
  );
  const { sessions } = await read("sessions", { limit: 200 }, signal);
  offered.replaceChildren(...sessions.map((session) => new Option(session.jid)));
  if (address) follow();
}
