// Two charts with one cursor: how far each source is from what is served, and the prices. Lines
// across both are hand-overs, and the start of the bot.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { $, attribute, colour, text } from "./dom.js";
import * as format from "./format.js";
import { placed } from "./labels.js";
import { beyond, ofDistances, ofPrices, withRoom } from "./ranges.js";
import { marks } from "./spans.js";
import { sourceColour } from "./table.js";

const BPS = 10_000;
const GAP = 3; // samples missing in a row break a line
const COLOURS = { tier: "down", active: "ink", start: "muted" }; // of marks

export class Charts {
  #charts = [];
  #made = "";
  #marks = [];
  #ranges = [null, null];
  #drawnAt = 0;

  /** Whether a picture drawn now would be another by half a pixel at least. */
  isDue(spanMs, now) {
    return now - this.#drawnAt >= spanMs / ($("divergence").clientWidth || 1) / 2;
  }

  /** Made anew when the sources, the colours or the width of the page are others. */
  draw(state, spanMs, now) {
    const names = state.board.sources.map((source) => source.exchange);
    const width = $("divergence").clientWidth;
    if (width === 0) return;
    const wanted = JSON.stringify([names, document.documentElement.dataset.theme, colour("ink")]);
    if (wanted !== this.#made) {
      this.#made = wanted;
      this.#make(names, width);
    }
    this.#drawnAt = now;
    this.#marks = marks(state, now - spanMs);
    const data = [divergence(state, names, now), prices(state, names, now)];
    const start = (now - spanMs) / 1000;
    this.#ranges = [ofDistances(data[0], start, state.board.sources), ofPrices(data[1], start)];
    this.#charts.forEach((chart, place) => {
      if (chart.width !== width) chart.setSize({ width, height: height(width) });
      chart.batch(() => {
        chart.setData(data[place], false);
        chart.setScale("x", { min: start, max: now / 1000 });
      });
      // with no cursor on it the legend shows the newest
      if (chart.cursor.idx == null) chart.setLegend({ idx: newest(data[place][0]) }, false);
    });
    const far = beyond(data[0], names, start, this.#ranges[0]).map(({ name, farthest }) =>
      `${name}, ${format.bps(farthest)} at the farthest`);
    text($("beyond"), far.length ? `Beyond the picture: ${far.join("; ")}.` : "");
    this.#describe(state, names, data[0]);
  }

  #make(names, width) {
    for (const chart of this.#charts) chart.destroy();
    const lines = names.map((name, place) => ({
      label: name, stroke: sourceColour(place), width: 1.5, points: { show: false },
    }));
    const served = { label: "served", stroke: colour("ink"), width: 2.5, points: { show: false } };
    const told = (digits) => (line) => ({ ...line, value: (_, value) => digits(value) });
    this.#charts = [
      this.#chart("divergence", width, lines.map(told(format.bps)), (v) => `${v}`, 0),
      this.#chart("prices", width, [served, ...lines].map(told(format.price)), format.price, 1),
    ];
  }

  #chart(id, width, series, words, place) {
    const range = (_, low, high) => this.#ranges[place] ?? withRoom(low, high);
    const axis = { stroke: colour("muted"), font: "12px system-ui, sans-serif",
      grid: { stroke: colour("grid"), width: 1 }, ticks: { stroke: colour("grid"), width: 1 } };
    return new uPlot({
      width, height: height(width),
      series: [{ label: "UTC", value: (_, at) => format.clock(at && at * 1000) }, ...series],
      scales: { x: { time: false }, y: { range } },
      axes: [
        { ...axis, values: (_, splits) => splits.map((at) => format.clock(at * 1000).slice(0, 5)),
          incrs: [60, 120, 300, 600, 900, 1800], space: 60 },
        { ...axis, values: (_, splits) => splits.map(words), size: 78 },
      ],
      cursor: { sync: { key: "hour" }, drag: { x: false, y: false }, points: { size: 6 } },
      legend: { live: true },
      hooks: { draw: [(chart) => this.#drawMarks(chart)] },
    }, [[]], $(id));
  }

  #drawMarks(chart) {
    const { ctx: context, bbox } = chart;
    context.save();
    context.textAlign = "left";
    context.textBaseline = "alphabetic";
    context.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    const right = bbox.left + bbox.width;
    const shown = this.#marks.map((mark) => ({
      ...mark, wide: context.measureText(mark.label).width,
      x: Math.round(chart.valToPos(mark.at / 1000, "x", true)),
    })).filter(({ x }) => x >= bbox.left && x <= right);
    for (const { x, kind } of shown) {
      context.fillStyle = colour(COLOURS[kind]);
      context.fillRect(x, bbox.top, devicePixelRatio, bbox.height);
    }
    const places = placed(shown, bbox.left, right, 4 * devicePixelRatio);
    shown.forEach(({ kind, label, wide }, place) => {
      const left = places[place];
      if (left === null) return;
      context.clearRect(left, bbox.top, wide, 14 * devicePixelRatio);
      context.fillStyle = colour(COLOURS[kind]);
      context.fillText(label, left, bbox.top + 11 * devicePixelRatio);
    });
    context.restore();
  }

  /** What a screen reader says of the pictures. */
  #describe(state, names, data) {
    const told = names.map((name, place) => {
      const values = data[place + 1].filter((value) => value !== null);
      if (!values.length) return `${name}: nothing known`;
      const widest = values.reduce((far, value) => (Math.abs(value) > Math.abs(far) ? value : far));
      return `${name} ${format.bps(values.at(-1))} now, widest ${format.bps(widest)}`;
    });
    label("divergence", `Distance from the served price: ${told.join("; ")}`);
    label("prices", `Prices: ${format.price(state.board.served.price)} served, ` +
      `${this.#marks.filter((mark) => mark.kind !== "start").length} hand-overs in the time shown`);
  }
}

/** The last whole sample; behind it stands what is some moments newer, each line by itself. */
const newest = (seconds) => Math.max(0, seconds.length - 2);

function label(id, words) {
  const canvas = $(id).querySelector("canvas");
  attribute(canvas, "role", "img");
  attribute(canvas, "aria-label", words);
}

const height = (width) => (width < 600 ? 190 : 230);

/** Columns for uPlot, seconds first; a pause between samples is a gap, and no straight line. */
function timed(state, now, rows) {
  const { at } = state.samples;
  const seconds = [], columns = rows.map(() => []);
  at.forEach((ms, i) => {
    if (i > 0 && ms - at[i - 1] > GAP * state.everyMs) {
      seconds.push((at[i - 1] + 1) / 1000);
      for (const column of columns) column.push(null);
    }
    seconds.push(ms / 1000);
    rows.forEach((row, place) => columns[place].push(row.at(i)));
  });
  if (rows.every((row) => row.tail !== undefined)) {
    seconds.push(Math.max(now, (at.at(-1) ?? 0) + 1) / 1000);
    rows.forEach((row, place) => columns[place].push(row.tail));
  }
  return [seconds, ...columns];
}

function divergence(state, names, now) {
  const { samples, board } = state;
  const made = state.tiers.indexOf("mock");
  return timed(state, now, names.map((name, place) => {
    const own = samples.sources[name]?.price ?? [];
    return {
      at: (i) => {
        const served = samples.price[i], price = own[i] ?? null;
        // a price that is made up is nothing to be near to
        if (served === null || price === null || samples.tier[i] === made) return null;
        return (price / served - 1) * BPS;
      },
      tail: board.served.synthetic ? null : board.sources[place].bps,
    };
  }));
}

/** Ends with the newest of the stream, a fraction of a second old. */
function prices(state, names, now) {
  const { samples, board } = state;
  return timed(state, now, [
    { at: (i) => samples.price[i], tail: board.served.price },
    ...names.map((name, place) => ({
      at: (i) => samples.sources[name]?.price[i] ?? null,
      tail: state.ticks.get(name)?.price ?? board.sources[place].price,
    }))]);
}
