// What the server is made of.

import { read } from "./api.js";
import { cell, duration, el, table } from "./dom.js";

const AMOUNTS = new Intl.NumberFormat("en");

function link(spec) {
  const number = String(spec.number).padStart(4, "0");
  const href = {
    rfc: `https://www.rfc-editor.org/rfc/rfc${spec.number}`,
    xep: `https://xmpp.org/extensions/xep-${number}.html`,
  }[spec.series];
  const title = spec.version ? `version ${spec.version}` : undefined;
  return href
    ? el("a", { href, title, rel: "noreferrer noopener", target: "_blank" }, spec.name)
    : el("span", { title }, spec.name);
}

function amount({ value, unit }) {
  if (unit === "bytes") {
    if (value >= 1 << 20) return `${AMOUNTS.format(value / (1 << 20))} MiB`;
    if (value >= 1 << 10) return `${AMOUNTS.format(value / (1 << 10))} KiB`;
  }
  if (unit === "ms") return `${AMOUNTS.format(value / 1000)} s`;
  return `${AMOUNTS.format(value)}${unit ? ` ${unit}` : ""}`;
}

function features(title, offered) {
  if (offered.length === 0) return [el("h4", {}, title), el("p", { class: "muted" }, "Nothing.")];
  const items = offered.map((feature) =>
    el(
      "li",
      {},
      el(
        "details",
        {},
        el("summary", {}, el("code", {}, feature.name), " ", el("span", { class: "muted small" }, feature.namespace)),
        el("pre", { class: "xml" }, feature.xml),
      ),
    ),
  );
  return [el("h4", {}, title), el("ul", { class: "plain" }, items)];
}

/** Plugins, bounds, and what clients are offered. */
export async function overview(place, signal) {
  const server = await read("server", {}, signal);
  const facts = [
    ["Domains", server.domains.join(", ")],
    ["Version", server.version],
    ["Up for", duration(server.uptime)],
    ["Plugins", String(server.plugins.length)],
  ];
  if (server.services.length > 0) facts.push(["Services", server.services.map((it) => `${it}.`).join(", ")]);
  const plugins = server.plugins.map((plugin) =>
    el(
      "tr",
      {},
      cell("Plugin", el("code", {}, plugin.name)),
      cell(
        "Follows",
        plugin.specs.length === 0
          ? el("span", { class: "muted" }, "no specification")
          : plugin.specs.flatMap((spec, at) => [at > 0 ? ", " : "", link(spec)]),
      ),
    ),
  );
  const bounds = server.bounds.map((bound) =>
    el("tr", {}, cell("Bound", el("code", {}, bound.name)), cell("Is", amount(bound))),
  );
  const weak = server.weaknesses.map((it) => el("li", {}, el("code", {}, it.plugin), `: ${it.why}`));
  const kinds = server.features.map((kind, at) =>
    el(
      "section",
      { class: "card" },
      el("h3", {}, `A client ${kind.connection}`),
      features("Before it logs in", kind.before),
      features("After", kind.after),
    ),
  );
  place.replaceChildren(
    el("h1", {}, "Overview"),
    el("dl", { class: "facts" }, facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
    ...(weak.length > 0
      ? [el("section", { class: "notice warn" }, el("h2", {}, "What makes this server weaker"), el("ul", {}, weak))]
      : []),
    el(
      "div",
      { class: "columns" },
      el("section", {}, el("h2", {}, "Plugins"), table("Plugins", ["Plugin", "Follows"], plugins)),
      el("section", {}, el("h2", {}, "Bounds"), table("Bounds", ["Bound", "Is"], bounds)),
    ),
    el("h2", {}, "What clients are offered"),
    el("div", { class: "columns three" }, kinds),
  );
}
