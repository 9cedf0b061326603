// A line over time, as SVG.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 320;
const HEIGHT = 96;
const TOP = 6;

function shape(name, attributes) {
  const it = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) it.setAttribute(key, value);
  return it;
}

/** A round number that is no less. */
function ceiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? 10 * power;
}

/** A number in few digits. */
export function brief(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e6) return `${(value / 1e6).toFixed(size >= 1e7 ? 0 : 1)} M`;
  if (size >= 1e4) return `${(value / 1e3).toFixed(0)} k`;
  if (size >= 100 || Number.isInteger(value)) return value.toFixed(0);
  if (size >= 1) return value.toFixed(1);
  return value.toPrecision(2);
}

/** A plot of so many points; `put` adds one at its right end. */
export function plot(points) {
  const area = shape("path", { class: "area" });
  const line = shape("path", { class: "line" });
  const dot = shape("circle", { class: "dot", r: 3 });
  const scale = shape("text", { class: "scale", x: 2, y: TOP + 8 });
  const drawing = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" });
  const base = shape("line", { class: "base", x1: 0, x2: WIDTH, y1: HEIGHT - 1, y2: HEIGHT - 1 });
  drawing.append(base, area, line, dot, scale);
  const values = [];

  function draw() {
    const known = values.filter(Number.isFinite);
    if (known.length === 0) return;
    const most = ceiling(Math.max(...known));
    const x = (at) => WIDTH - ((values.length - 1 - at) / (points - 1)) * WIDTH;
    const y = (value) => HEIGHT - 1 - (value / most) * (HEIGHT - TOP - 1);
    const marks = values
      .map((value, at) => [x(at), y(value)])
      .filter(([, y]) => Number.isFinite(y))
      .map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`);
    const [last] = marks.slice(-1);
    const [right, height] = last.split(" ");
    line.setAttribute("d", `M${marks.join("L")}`);
    area.setAttribute("d", `M${marks[0].split(" ")[0]} ${HEIGHT - 1}L${marks.join("L")}L${right} ${HEIGHT - 1}Z`);
    dot.setAttribute("cx", Math.min(Number(right), WIDTH - 3));
    dot.setAttribute("cy", height);
    scale.textContent = brief(most);
  }

  return {
    drawing,
    put(value) {
      values.push(value);
      if (values.length > points) values.shift();
      draw();
    },
  };
}
