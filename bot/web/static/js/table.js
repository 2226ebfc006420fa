// The sources at this moment, a row for each, with what became of rate, lag and silence.

import { $, attribute, colour, el, keyed, text } from "./dom.js";
import { cleared } from "./canvas.js";
import * as format from "./format.js";
import { inWords, stateNow } from "./lanes.js";

const COLUMNS = ["source", "state", "price", "from served", "age", "ping", "messages", "lag",
  "silence", "errors", "reconnects"];

const ERRORS = COLUMNS.indexOf("errors");
const LONGEST_PAUSE_PX = 3;
const MOMENT_MS = 1000;

export const sourceColour = (place) => colour(`series-${place % 6}`);

export function drawTable(state, spanMs, now) {
  const { board, samples } = state;
  keyed($("sources"), board.sources, (row) => row.exchange, makeRow, (row, source) => {
    drawRow(row, source, board.timestamp);
    drawSparks(row, samples, source, now - spanMs, now);
  });
  // the lanes go on from what the record knows, of which there are no samples
  const isShort = state.startedAt > now - spanMs && state.since < state.startedAt - MOMENT_MS;
  text($("begun"), isShort ? "The charts, small and large, begin with the bot, at " +
    `${format.moment(state.startedAt, now)}; the lanes begin before.` : "");
}

/** Ages count up by themselves between two boards. */
export function drawAges(board, sinceMs) {
  for (const source of board.sources) {
    const row = $("sources").keyed?.get(source.exchange);
    if (row) text(row.children[4].lastChild, aged(source.ageMs, sinceMs));
  }
}

const aged = (ms, more) => (ms === null ? format.DASH : format.lasted(ms + more));

function makeRow() {
  const cells = COLUMNS.map((label, place) => {
    const spark = place >= 6 && place <= 8;
    const cell = el(place === 0 ? "th" : "td", { "data-label": label });
    if (place === 0) attribute(cell, "scope", "row");
    if (place === 0) cell.append(el("i", { class: "swatch" }));
    if (spark) cell.append(el("canvas", { class: "spark", "aria-hidden": "true" }));
    cell.append(el("span", { class: place > 1 ? "num" : "" }));
    if (place === ERRORS) cell.append(el("details", {}, el("summary"), el("p")));
    return cell;
  });
  return el("tr", {}, ...cells);
}

function drawRow(row, source, now) {
  const words = [
    source.exchange, inWords(source), format.price(source.price), format.bps(source.bps), null,
    format.lasted(source.pingMs), `${format.tenth(source.rate)}/s`, format.lasted(source.lagMs),
    null, null, format.whole(source.reconnects),
  ];
  attribute(row, "data-state", stateNow(source));
  words.forEach((word, place) => {
    if (word !== null) text(row.children[place].lastChild, word);
  });
  drawErrors(row.children[ERRORS], source, now);
}

/** How many, and of the last the first words; all of them, which may be long, on demand. */
function drawErrors(cell, { errors: count, lastError, lastErrorAt }, now) {
  const [number, details] = cell.children;
  const last = lastError ? `, last ${format.moment(lastErrorAt, now)}` : "";
  const isShort = !lastError || format.gist(lastError) === lastError;
  text(number, `${format.whole(count)}${last}${last && isShort ? `: ${lastError}` : ""}`);
  details.hidden = isShort;
  if (isShort) return;
  const [summary, whole] = details.children;
  text(summary, format.gist(lastError));
  text(whole, lastError);
}

function drawSparks(row, samples, source, start, now) {
  const own = samples.sources[source.exchange];
  const silent = own?.silentMs.at(-1) ?? null;
  text(row.children[8].lastChild, silent === null ? format.DASH : format.lasted(silent));
  if (!own) return;
  // of many samples in one place the worst is what one wants to see
  const worst = [Math.min, Math.max, Math.max];
  [own.rate, own.lagMs, own.silentMs].forEach((column, place) => {
    spark(row.children[6 + place].firstChild, samples.at, column, worst[place], start, now);
  });
}

/** From zero up, so that two of them can be compared by eye. */
function spark(canvas, at, values, worst, start, now) {
  const place = cleared(canvas);
  if (place === null) return;
  const { context, width, height } = place;
  const points = new Array(Math.ceil(width)).fill(null);
  let top = 0;
  values.forEach((value, i) => {
    if (value === null || at[i] < start) return;
    const x = Math.min(points.length - 1, Math.floor(((at[i] - start) / (now - start)) * width));
    points[x] = points[x] === null ? value : worst(points[x], value);
    top = Math.max(top, value);
  });
  context.strokeStyle = colour("spark");
  context.lineWidth = 1.2;
  context.beginPath();
  let last = -Infinity; // where the line is; over a longer pause it is not drawn
  points.forEach((value, x) => {
    if (value === null) return;
    const y = height - 1.5 - (top ? value / top : 0) * (height - 3);
    if (x - last <= LONGEST_PAUSE_PX) context.lineTo(x, y);
    else context.moveTo(x, y);
    last = x;
  });
  context.stroke();
}
