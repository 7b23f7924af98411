// Three charts of the last five minutes, as SVG that is drawn anew each second.

import { find, make, makeSvg, milliseconds, percent, setText } from "./dom.js";
import { accuracyNote, accuracyOf } from "./model.js";
import { toneOfSubnetwork } from "./tones.js";

const SPAN_S = 300;
const WIDTH = 300; // a unit a second; the plot is stretched to its place
const HEIGHT = 100;
const RECENT_S = 5;

const charts = new Map();

export function showCharts(ticks, now, cluster) {
  showThroughput(ticks, now);
  showLatency(ticks, now);
  showShares(ticks, now, cluster);
}

function showThroughput(ticks, now) {
  const chart = chartOf("chart-throughput", "Throughput");
  const recent = ticks.filter((tick) => tick.at >= now - RECENT_S - 1 && !tick.blind);
  const rate = recent.length ? sum(recent.map((tick) => tick.answers)) / recent.length : 0;
  const errors = sum(ticks.map((tick) => tick.errors));
  const top = niceTop(Math.max(...ticks.map((tick) => tick.answers), 0), 4);
  chart.say(shortNumber(rate), `images/s${errors ? `, ${errors} errors in five minutes` : ""}`);
  chart.draw(`${top}/s`, [
    ...blinds(ticks, now),
    ...curves(ticks, now, (tick) => (tick.blind ? null : tick.answers / top), { tone: "tone-whole", filled: true }),
  ]);
}

// Latencies differ by orders of magnitude, so their axis is logarithmic, with a line each decade.
const LEAST_MS = 0.1;

function showLatency(ticks, now) {
  const chart = chartOf("chart-latency", "Latency");
  const values = ticks.flatMap((tick) => [tick.p99, tick.own]).filter((ms) => ms !== null);
  const decades = Math.max(2, Math.ceil(Math.log10(Math.max(...values, LEAST_MS) / LEAST_MS)));
  const height = (ms) => (ms === null ? null : Math.max(0, Math.log10(ms / LEAST_MS)) / decades);
  const last = ticks.findLast((tick) => tick.p50 !== null);
  const own = ticks.findLast((tick) => tick.own !== null);
  if (last) chart.say(milliseconds(last.p50), `median on the devices, 99 % within ${milliseconds(last.p99)}`);
  else chart.say("–", "nothing answered yet");
  const lines = Array.from({ length: decades }, (_, index) => (index + 1) / decades);
  chart.draw(milliseconds(LEAST_MS * 10 ** decades), [
    ...blinds(ticks, now),
    ...curves(ticks, now, (tick) => height(tick.p99), { tone: "tone-other", faint: true, dotted: true }),
    ...curves(ticks, now, (tick) => height(tick.p50), { tone: "tone-other", dotted: true }),
    ...dots(ticks, now, (tick) => height(tick.own), "tone-whole"),
  ], lines);
  chart.legend([
    ["tone-other", "devices", "median, and 99 %"],
    ["tone-whole", "yours", own ? `${milliseconds(own.own)} from here and back` : "from here and back"],
  ]);
}

function showShares(ticks, now, cluster) {
  const chart = chartOf("chart-shares", "Who answered");
  const totals = new Map();
  for (const tick of ticks) {
    for (const [name, count] of Object.entries(tick.shares)) totals.set(name, (totals.get(name) ?? 0) + count);
  }
  const names = [...totals.keys()].sort((one, other) => rank(one, cluster) - rank(other, cluster) || one.localeCompare(other));
  const all = sum([...totals.values()]);
  const most = names.toSorted((one, other) => totals.get(other) - totals.get(one))[0];
  if (most) chart.say(percent(totals.get(most) / all), `by sub-network ${most}`);
  else chart.say("–", "nothing answered yet");
  chart.draw("", [...blinds(ticks, now), ...stacks(ticks, now, names)]);
  chart.legend(names.map((name) => {
    const accuracy = accuracyOf(name);
    const right = accuracy === null ? "" : `, ${percent(accuracy, 2)} right`;
    return [toneOfSubnetwork(name), name, `${percent(totals.get(name) / all)}${right}`];
  }), accuracyNote());
}

const rank = (name, cluster) => {
  const index = Object.keys(cluster.placement).findIndex((slot) => name.startsWith(slot));
  return index < 0 ? -1 : index;
};

/** A chart's place on the page; made when it is first shown. */
function chartOf(id, name) {
  if (!charts.has(id)) charts.set(id, newChart(find(id), name));
  return charts.get(id);
}

function newChart(figure, name) {
  const value = document.createTextNode("");
  const unit = make("small");
  const svg = makeSvg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const topValue = make("span", { class: "top-value", "aria-hidden": "true" });
  const axis = make("div", { class: "axis", "aria-hidden": "true" }, make("span", { text: "5 min ago" }), make("span", { text: "now" }));
  const legend = make("ul", { class: "legend" });
  const note = make("p", { class: "note" });
  figure.replaceChildren(
    make("figcaption", {}, make("span", { class: "name", text: name }), make("span", { class: "now" }, value, " ", unit)),
    make("div", { class: "plot" }, svg, topValue),
    axis,
    legend,
    note,
  );
  return {
    say(text, small) {
      if (value.data !== text) value.data = text;
      setText(unit, small);
    },
    draw(top, shapes, lines = top ? [1] : []) {
      const grid = lines.map((at) =>
        makeSvg("line", { class: "grid", x1: 0, x2: WIDTH, y1: yOf(at), y2: yOf(at) }));
      svg.replaceChildren(...grid, ...shapes);
      setText(topValue, top);
    },
    legend(items, text = "") {
      legend.replaceChildren(...items.map(([tone, name, rest]) =>
        make("li", { class: tone }, make("b", { text: name }), ` ${rest}`)));
      setText(note, text);
    },
  };
}

// Shapes. x grows to the right up to now, y downwards from the top value.

const xOf = (tick, now) => WIDTH - (now - tick.at) * (WIDTH / SPAN_S);
const yOf = (value) => HEIGHT * (1 - Math.min(1, value));
const point = (tick, now, value) => `${xOf(tick, now).toFixed(2)},${yOf(value).toFixed(2)}`;

/** Lines through the values; one that is null interrupts. dotted: a value alone is a dot. */
function curves(ticks, now, valueOf, { tone, filled = false, faint = false, dotted = false }) {
  const runs = [[]];
  for (const tick of ticks) {
    const value = valueOf(tick);
    if (value === null) {
      if (runs.at(-1).length) runs.push([]);
    } else {
      runs.at(-1).push([tick, value]);
    }
  }
  return runs.filter((run) => run.length).flatMap((run) => {
    const points = run.map(([tick, value]) => point(tick, now, value));
    if (points.length === 1 && dotted) {
      return [makeSvg("path", { class: `dot ${tone}`, d: `M${points[0]}h0.01` })];
    }
    const path = `M${points.join("L")}`;
    const line = makeSvg("path", { class: `line ${tone}${faint ? " faint" : ""}`, d: path });
    if (!filled) return [line];
    const [first, last] = [xOf(run[0][0], now), xOf(run.at(-1)[0], now)];
    const area = `${path}L${last.toFixed(2)},${HEIGHT}L${first.toFixed(2)},${HEIGHT}Z`;
    return [makeSvg("path", { class: `area ${tone}`, d: area }), line];
  });
}

function dots(ticks, now, valueOf, tone) {
  return ticks
    .filter((tick) => valueOf(tick) !== null)
    .map((tick) => makeSvg("path", { class: `dot ${tone}`, d: `M${point(tick, now, valueOf(tick))}h0.01` }));
}

/** For each second in which something was answered, a bar that is cut by sub-network. */
function stacks(ticks, now, names) {
  const paths = new Map(names.map((name) => [name, ""]));
  const step = WIDTH / SPAN_S;
  for (const tick of ticks) {
    const all = sum(Object.values(tick.shares));
    let below = 0;
    for (const name of names) {
      // Others choose the names: one may be that of what every object has, such as `constructor`.
      const part = Object.hasOwn(tick.shares, name) ? tick.shares[name] / (all || 1) : 0;
      if (part > 0) {
        const x = (xOf(tick, now) - step).toFixed(2);
        paths.set(name, `${paths.get(name)}M${x},${yOf(below).toFixed(2)}h${step + 0.1}V${yOf(below + part).toFixed(2)}h${-step - 0.1}Z`);
      }
      below += part;
    }
  }
  return names.map((name) => makeSvg("path", { class: `stack ${toneOfSubnetwork(name)}`, d: paths.get(name) }));
}

/** While the broker was gone, nothing is known: that is not the same as nothing. */
function blinds(ticks, now) {
  return ticks.filter((tick) => tick.blind).map((tick) =>
    makeSvg("rect", { class: "blind", x: (xOf(tick, now) - 1).toFixed(2), y: 0, width: 1.1, height: HEIGHT }));
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
const shortNumber = (value) => (value >= 10 || value === 0 ? Math.round(value).toLocaleString() : value.toFixed(1));

/** The least of 1, 2 and 5 times a power of ten that has room for it. */
function niceTop(value, least) {
  const wanted = Math.max(value, least);
  const power = 10 ** Math.floor(Math.log10(wanted));
  return [1, 2, 5, 10].map((factor) => factor * power).find((top) => top >= wanted);
}
