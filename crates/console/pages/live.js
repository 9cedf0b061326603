// How it goes: figures, drawn as they come.

import { read } from "./api.js";
import { duration, el, problem } from "./dom.js";
import { brief, plot } from "./plot.js";

const EVERY = 2000;
const POINTS = 150;

/** A figure and its plot. */
function chart(figure) {
  const unit = figure.unit === "s" ? "ms" : figure.unit;
  const per = { total: `${unit || "times"} a second`, mean: `${unit} on average` }[figure.kind] ?? unit;
  const number = el("span", { class: "number" }, "–");
  const drawn = plot(POINTS);
  const title = el("h2", {}, figure.label);
  const box = el("section", { class: "card chart" }, title, el("p", { class: "now" }, number, " ", el("span", { class: "muted" }, per)), drawn.drawing);
  let before = null;
  return {
    box,
    put(now, at) {
      let value = now.value;
      if (figure.kind === "total") {
        const passed = before ? at - before.at : 0;
        // A server that was started anew counts from nothing.
        value = passed > 0 && now.value >= before.value ? (now.value - before.value) / passed : NaN;
        before = { value: now.value, at };
      } else if (figure.kind === "mean") {
        const many = before ? now.of - before.of : 0;
        value = many > 0 ? (now.value - before.value) / many : NaN;
        before = { value: now.value, of: now.of };
      }
      if (figure.unit === "s") value *= 1000;
      if (Number.isFinite(value)) number.textContent = brief(value);
      drawn.put(value);
    },
  };
}

/** Figures over the last five minutes. */
export async function live(place, signal) {
  const charts = new Map();
  const grid = el("div", { class: "charts" });
  const told = el("p", { class: "muted" });
  const pause = el("button", { type: "button", class: "quiet", "aria-pressed": "false" }, "Pause");
  let paused = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Go on" : "Pause";
  });
  place.replaceChildren(el("div", { class: "row head" }, el("h1", {}, "Live"), told, pause), grid);

  async function look() {
    const now = await read("live", {}, signal);
    told.textContent = `Up for ${duration(now.uptime)}`;
    for (const figure of now.figures) {
      if (!charts.has(figure.name)) {
        const made = chart(figure);
        charts.set(figure.name, made);
        grid.append(made.box);
      }
      charts.get(figure.name).put(figure, now.uptime);
    }
  }

  await look();
  const timer = setInterval(() => {
    if (paused || document.hidden) return;
    look().catch((error) => {
      if (signal.aborted) return;
      told.replaceChildren(problem(error));
    });
  }, EVERY);
  signal.addEventListener("abort", () => clearInterval(timer));
}
