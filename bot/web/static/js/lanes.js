// A lane for the served price and one for each source: colour = state, thick = active. One can
// walk along a lane with the arrow keys, and it says in words what was when.

import { cleared } from "./canvas.js";
import { $, attribute, colour, el, keyed, text } from "./dom.js";
import * as format from "./format.js";
import { marks, servedSpans, sourceSpans } from "./spans.js";

const STATUS_STATES = {
  trusted: "fit", degraded: "doubted", disputed: "away", stale: "unfit", synthetic: "down",
  none: "down",
};
const LEGEND = ["active", "fit", "doubted", "away", "unfit", "down", "off"];

export class Lanes {
  #rows = []; // [{name, spans, served}] as drawn last
  #at = new Map(); // lane -> which span has been walked to

  constructor() {
    for (const state of LEGEND) {
      $("legend").append(el("li", { "data-state": state }, el("i", {}, format.ICONS[state]),
        format.STATE_WORDS[state]));
    }
  }

  draw(state, spanMs, now) {
    const start = now - spanMs;
    this.start = start;
    this.now = now;
    const names = state.board.sources.map((source) => source.exchange);
    this.#rows = [
      { name: "served", spans: servedSpans(state, start, now), served: true },
      ...names.map((name) => ({
        name, spans: sourceSpans(state, name, start, now), served: false,
        source: state.board.sources.find((source) => source.exchange === name),
      }))];
    keyed($("lane-times"), [start, start + spanMs / 2, now], (at) => `${(at - start) / spanMs}`,
      () => el("i"), (item, at) => text(item, format.clock(at).slice(0, 5)));
    const moves = marks(state, start).filter((mark) => mark.kind === "active");
    keyed($("lanes"), this.#rows, (row) => row.name, (row) => this.#make(row),
      (item, row) => this.#drawRow(item, row, start, now, moves));
  }

  #make({ name }) {
    const bar = el("div", { class: "lane", role: "slider", tabindex: "0" }, el("canvas"));
    bar.onkeydown = (event) => this.#walk(event, name);
    bar.onfocus = () => this.#tell(name);
    bar.onpointermove = (event) => this.#point(event, name);
    bar.onpointerleave = bar.onblur = () => text($("lane-detail"), "");
    return el("div", { class: "lane-row" }, el("span", { class: "lane-name" }), bar,
      el("span", { class: "lane-word" }));
  }

  #drawRow(item, row, start, now, moves) {
    const [name, bar, word] = item.children;
    text(name, row.name);
    const last = row.spans.at(-1);
    const shown = row.served ? last?.state ?? "unknown" : stateNow(row.source);
    attribute(item, "data-state", row.served ? STATUS_STATES[shown] ?? shown : shown);
    text(word, row.served ? `${format.ICONS[shown]} ${(format.STATUS_WORDS[shown] ?? shown)}` +
      (last?.rule ? `, ${last.rule}` : "") : inWords(row.source));
    this.#label(bar, row);
    paint(bar.firstElementChild, row, start, now, moves);
  }

  #label(bar, { name, spans }) {
    const place = Math.min(this.#at.get(name) ?? spans.length - 1, spans.length - 1);
    attribute(bar, "aria-label", name === "served" ? "What was served" : `${name} over time`);
    attribute(bar, "aria-valuemin", 0);
    attribute(bar, "aria-valuemax", Math.max(0, spans.length - 1));
    attribute(bar, "aria-valuenow", Math.max(0, place));
    attribute(bar, "aria-valuetext", spans.length ? told(spans[place]) : "nothing known");
  }

  #walk(event, name) {
    const { spans } = this.#rows.find((row) => row.name === name);
    const here = Math.min(this.#at.get(name) ?? spans.length - 1, spans.length - 1);
    const to = { ArrowLeft: here - 1, ArrowDown: here - 1, ArrowRight: here + 1, ArrowUp: here + 1,
      Home: 0, End: spans.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#at.set(name, Math.max(0, Math.min(spans.length - 1, to)));
    if (to >= spans.length - 1) this.#at.delete(name); // at the end it goes on with the time
    this.#tell(name);
    this.#label(event.currentTarget, { name, spans });
  }

  #tell(name) {
    const { spans } = this.#rows.find((row) => row.name === name);
    const place = Math.min(this.#at.get(name) ?? spans.length - 1, spans.length - 1);
    text($("lane-detail"), spans.length ? `${name}, ${told(spans[place])}` : "");
  }

  #point(event, name) {
    const { spans } = this.#rows.find((row) => row.name === name);
    const box = event.currentTarget.getBoundingClientRect();
    const at = this.start + ((event.clientX - box.left) / box.width) * (this.now - this.start);
    const span = spans.find((one) => one.from <= at && at < one.to);
    text($("lane-detail"), span ? `${name}, ${told(span)}` : "");
  }
}

/** The state that a source has now, active being the best of them. */
export function stateNow(source) {
  return source.active && source.state === "fit" ? "active" : source.state;
}

export function inWords(source) {
  const state = stateNow(source);
  // for how long it was put away stands there already, as what is left of it
  const words = source.words.replace(/; put away for [0-9]+ s$/, "");
  const why = ["fit", "active"].includes(state) ? "" : `: ${words}${back(source.backInMs)}`;
  return `${format.ICONS[state]} ${format.STATE_WORDS[state]}${why}`;
}

function back(ms) {
  if (ms === null) return "";
  return ms > 0 ? `; back in ${format.seconds(ms)} at the earliest` : "; back once it agrees";
}

function told(span) {
  const state = format.STATUS_WORDS[span.state] ?? format.STATE_WORDS[span.state] ?? span.state;
  const lead = span.active ? (span.state === "fit" ? "active" : `active, ${state}`) : state;
  return `${format.clock(span.from)} to ${format.clock(span.to)}, ${lead}` +
    (span.why ? `: ${span.why}` : "");
}

function paint(canvas, { spans, served }, start, now, moves) {
  const place = cleared(canvas);
  if (place === null) return;
  const { context, width, height } = place;
  const x = (at) => ((at - start) / (now - start)) * width;
  for (const span of spans) {
    const state = served ? STATUS_STATES[span.state] ?? span.state : span.state;
    const thick = served || span.active ? height - 4 : Math.round(height / 3);
    const left = x(span.from);
    // a second of trouble in an hour is less than a pixel, and must be seen all the same
    const wide = Math.max(state === "fit" ? 0 : 2, x(span.to) - left);
    context.fillStyle = colour(`lane-${state === "fit" && span.active ? "active" : state}`);
    context.fillRect(left, (height - thick) / 2, wide, thick);
  }
  context.fillStyle = colour("ink");
  for (const move of moves) context.fillRect(Math.round(x(move.at)), 0, 1, height);
}
