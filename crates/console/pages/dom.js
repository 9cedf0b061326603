// Making elements. Text is always text: nothing here, nor anywhere in the console, parses HTML.

/** Makes an element: el("p", { class: "muted", onclick: f }, "text", child). */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked") element[key] = value;
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** A table with a head, in a box that scrolls by itself. */
export function table(caption, heads, rows) {
  const head = el("thead", {}, el("tr", {}, heads.map((text) => el("th", { scope: "col", class: text === "Actions" ? "last" : undefined }, text))));
  const body = el("tbody", {}, rows);
  const whole = el("table", {}, el("caption", { class: "unseen" }, caption), head, body);
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, whole);
}

/** A cell that says on narrow screens what it is. */
export function cell(label, ...children) {
  return el("td", { "data-label": label }, ...children);
}

const told = document.getElementById("told");
let quiet;

/** Says something that happened, for a moment. */
export function tell(text, kind = "info") {
  clearTimeout(quiet);
  told.replaceChildren(el("p", { class: `notice ${kind}` }, text));
  quiet = setTimeout(() => told.replaceChildren(), 6000);
}

/** Asks whether to do something that cannot be undone. */
export function ask(title, text, yes) {
  const dialog = document.getElementById("ask");
  document.getElementById("ask-title").textContent = title;
  document.getElementById("ask-text").textContent = text;
  document.getElementById("ask-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** A problem, as the API tells it. */
export function problem(error) {
  const lines = (error.errors ?? []).map(({ field, what }) => el("li", {}, `${field} ${what}`));
  return el(
    "div",
    { class: "notice error", role: "alert" },
    el("p", {}, error.message),
    lines.length > 0 ? el("ul", {}, lines) : null,
  );
}

/** So many seconds, for people. */
export function duration(seconds) {
  const parts = [
    ["day", Math.floor(seconds / 86400)],
    ["hour", Math.floor(seconds / 3600) % 24],
    ["minute", Math.floor(seconds / 60) % 60],
    ["second", Math.floor(seconds) % 60],
  ];
  const said = parts.filter(([, count]) => count > 0).slice(0, 2);
  if (said.length === 0) return "just now";
  return said.map(([name, count]) => `${count} ${name}${count === 1 ? "" : "s"}`).join(", ");
}
