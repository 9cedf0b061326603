// Everything that can be done, each by a form made of its definition.

import { read, run } from "./api.js";
import { ask, cell, el, problem, table } from "./dom.js";

/** What cannot be taken back is asked about once more. */
const GRAVE = new Set(["delete-user", "shutdown"]);

/** A control for a field. */
function control(field, id) {
  const common = { id, name: field.name, required: field.required && field.kind !== "boolean" };
  const value = field.value ?? "";
  switch (field.kind) {
    case "boolean":
      return el("input", { ...common, type: "checkbox", checked: Boolean(field.value) });
    case "list-single":
    case "list-multi": {
      const many = field.kind === "list-multi";
      const chosen = new Set([value].flat());
      const options = (field.options ?? []).map((it) => new Option(it.label, it.value, false, chosen.has(it.value)));
      if (!many && !field.required) options.unshift(new Option("–", ""));
      return el("select", { ...common, multiple: many }, options);
    }
    case "text-multi":
      return el("textarea", { ...common, rows: 4, value });
    case "jid-multi":
      return el("textarea", { ...common, rows: 3, spellcheck: "false", value: [value].flat().join("\n"), "aria-describedby": `${id}-hint` });
    case "text-private":
      return el("input", { ...common, type: "password", autocomplete: "new-password" });
    default:
      if (field.minimum !== undefined) return el("input", { ...common, type: "number", min: field.minimum, max: field.maximum, step: 1, value });
      return el("input", { ...common, type: "text", autocomplete: "off", spellcheck: "false", value });
  }
}

/** What a control says, as JSON has it; nothing for what was left out. */
function given(field, input) {
  switch (field.kind) {
    case "boolean":
      return input.checked;
    case "list-multi":
      return [...input.selectedOptions].map((option) => option.value);
    case "jid-multi": {
      const lines = input.value.split(/[\n,]/).map((line) => line.trim()).filter(Boolean);
      return lines.length > 0 ? lines : undefined;
    }
    default:
      if (input.value === "") return undefined;
      return field.minimum !== undefined ? Number(input.value) : input.value;
  }
}

function shown(value) {
  if (Array.isArray(value)) return value.length === 0 ? el("span", { class: "muted" }, "none") : el("ul", { class: "plain" }, value.map((it) => el("li", {}, it)));
  if (value === true) return "yes";
  if (value === false) return "no";
  return el("span", { class: "pre" }, String(value));
}

/** What a command has told. */
function result(report) {
  const parts = report.notes.map((note) => el("p", { class: `notice ${note.severity}` }, note.text));
  if (report.fields.length > 0) {
    const facts = report.fields.map((field) => el("div", {}, el("dt", {}, field.label), el("dd", {}, shown(field.value))));
    parts.push(el("dl", { class: "facts" }, facts));
  }
  if (report.table) {
    const { columns, rows } = report.table;
    const body = rows.map((row) => el("tr", {}, row.map((value, at) => cell(columns[at].label, shown(value)))));
    parts.push(body.length > 0 ? table("Result", columns.map((it) => it.label), body) : el("p", { class: "empty" }, "Nothing."));
  }
  if (parts.length === 0) parts.push(el("p", { class: "notice info" }, "Done."));
  return parts;
}

async function open(place, name, signal) {
  const command = await read(`commands/${encodeURIComponent(name)}`, {}, signal);
  const inputs = command.fields.map((field, at) => [field, control(field, `field-${at}`)]);
  const told = el("div", { class: "result", role: "status" });
  const button = el("button", { type: "submit" }, "Run");
  const fields = inputs.map(([field, input]) => {
    const optional = field.required || field.kind === "boolean" ? null : el("span", { class: "muted" }, " (optional)");
    const hint = field.kind === "jid-multi" ? el("p", { id: `${input.id}-hint`, class: "muted small" }, "One address a line.") : null;
    const label = el("label", { for: input.id }, field.label, optional);
    return field.kind === "boolean"
      ? el("label", { class: "check", for: input.id }, input, field.label)
      : el("div", { class: "field" }, label, input, hint, field.description ? el("p", { class: "muted small" }, field.description) : null);
  });
  const form = el(
    "form",
    {
      class: "card",
      onsubmit: async (event) => {
        event.preventDefault();
        if (GRAVE.has(name) && !(await ask(`${command.title}?`, "This cannot be taken back.", command.title))) return;
        button.disabled = true;
        told.replaceChildren(el("p", { class: "muted" }, "One moment…"));
        const answers = {};
        for (const [field, input] of inputs) {
          const value = given(field, input);
          if (value !== undefined) answers[field.name] = value;
        }
        try {
          told.replaceChildren(...result(await run(name, answers)));
          // A password stands no longer than it must.
          for (const [field, input] of inputs) if (field.kind === "text-private") input.value = "";
        } catch (error) {
          told.replaceChildren(problem(error));
        } finally {
          button.disabled = false;
        }
      },
    },
    command.instructions.map((text) => el("p", {}, text)),
    fields,
    fields.length === 0 ? el("p", { class: "muted" }, "It asks nothing.") : null,
    el("div", { class: "row" }, button, el("a", { class: "button quiet", href: "#/commands" }, "All commands")),
  );
  place.replaceChildren(
    el("h1", {}, command.title),
    el("p", { class: "muted small" }, el("code", {}, command.node)),
    form,
    told,
  );
  (form.querySelector("input, textarea, select") ?? button).focus();
}

/** A list of commands, or the form of one. */
export async function commands(place, signal, name) {
  if (name) return open(place, name, signal);
  const { commands: all } = await read("commands", {}, signal);
  const find = el("input", { type: "search", id: "find", autocomplete: "off", placeholder: "password" });
  all.sort((one, other) => one.title.localeCompare(other.title));
  const items = all.map((command) =>
    el(
      "li",
      { "data-text": `${command.title} ${command.name}`.toLowerCase() },
      el("a", { href: `#/commands/${encodeURIComponent(command.name)}` }, el("strong", {}, command.title), el("code", { class: "muted" }, command.name)),
    ),
  );
  find.addEventListener("input", () => {
    const wanted = find.value.trim().toLowerCase();
    for (const item of items) item.hidden = !item.dataset.text.includes(wanted);
  });
  place.replaceChildren(
    el("h1", {}, "Commands"),
    el("div", { class: "row tools" }, el("label", { for: "find" }, "Find"), find),
    items.length > 0 ? el("ul", { class: "plain cards" }, items) : el("p", { class: "empty" }, "There are no commands: the administration plugin is not there."),
    el("p", { class: "muted small" }, "Programs have the same: ", el("a", { href: "/api/openapi.json" }, "OpenAPI"), "."),
  );
  return undefined;
}
