// The incidents, each with its story and what to do; and what else happened, newest first.

import { $, attribute, el, keyed, text } from "./dom.js";
import * as format from "./format.js";

const MOST_EVENTS = 40;
const SAME_MS = 3000; // an alert and the change that it tells of

export function drawIncidents(board) {
  const rows = board.incidents.length ? board.incidents : [null];
  keyed($("incidents"), rows, (row) => (row === null ? "none" : row.id),
    makeIncident, (item, row) => drawIncident(item, row, board.timestamp));
  attribute($("incidents"), "data-any", board.openIncidents ? "" : null);
  text($("happened-title"), board.openIncidents ? `Incidents: ${board.openIncidents} open`
    : "Incidents: none open");
}

function makeIncident(row) {
  if (row === null) return el("li", { class: "nothing" });
  return el("li", {}, el("p", { class: "when" }), el("p", { class: "story" }),
    el("p", { class: "advice" }), el("p", { class: "runbook" }));
}

function drawIncident(item, row, now) {
  if (row === null) return text(item, "None in the time that is known.");
  const [when, story, advice, runbook] = item.children;
  const going = row.closedAt === null;
  const severity = row.source === null && row.symbol !== null ? "critical" : "warning";
  attribute(item, "data-open", going ? severity : "over");
  text(when, `${going ? "▲ open" : "✓ over"} · ${format.moment(row.openedAt, now)}` +
    (going ? "" : ` to ${format.moment(row.closedAt, now)}`));
  text(story, row.story);
  text(advice, going ? `What to do: ${row.advice}` : "");
  text(runbook, going ? `Runbook: ${row.runbook}` : "");
}

// ---- events

export function drawEvents(state) {
  const rows = events(state);
  const now = state.board.timestamp;
  keyed($("events"), rows.length ? rows : [null], (row) => (row === null ? "none" : row.key),
    (row) => (row === null ? el("li", { class: "nothing" })
      : el("li", {}, el("time", { class: "num" }), el("span"))),
    (item, row) => drawEvent(item, row, now));
}

function drawEvent(item, row, now) {
  if (row === null) return text(item, "Nothing yet.");
  const [when, words] = item.children;
  attribute(item, "data-severity", row.severity);
  text(when, format.moment(row.at, now));
  text(words, row.words);
}

/** Changes of the hour and alerts of the stream as one list; what both tell stands there once. */
export function events(state) {
  const told = state.changes.slice(-4 * MOST_EVENTS).map(changed).filter((row) => row !== null);
  const own = state.alerts.filter((alert) => !told.some((row) =>
    row.to === alert.to && row.isMove && Math.abs(row.at - alert.timestamp) < SAME_MS &&
    alert.message.startsWith(`${state.board.symbol}:`)));
  const alerts = own.map((alert) => ({
    key: `alert ${alert.timestamp} ${alert.message}`, at: alert.timestamp,
    severity: alert.severity, words: alert.message,
  }));
  // newest first, also of those of one moment
  return [...alerts, ...told.reverse()].sort((a, b) => b.at - a.at).slice(0, MOST_EVENTS);
}

function changed({ at, kind, source, word, rule, why }) {
  const row = { at, to: source, key: `${at} ${kind} ${source} ${word} ${rule}`, isMove: false };
  const reason = why ? `: ${why}` : "";
  if (kind === "active") {
    row.isMove = true;
    row.severity = source === null ? "critical" : "move";
    row.words = source === null ? `no source is fit any more${reason}`
      : word ? `${word} → ${source}${reason}` : `${source} became active${reason}`;
  } else if (kind === "served") {
    row.isMove = true;
    row.severity = { trusted: "good", degraded: "warning" }[word] ?? "critical";
    row.words = source === null ? `no price any more${reason}`
      : `served from ${source}, ${format.STATUS_WORDS[word].toLowerCase()}${reason}`;
  } else if (kind === "state") {
    row.severity = word === "fit" ? "good" : "warning";
    row.words = word === "fit" ? `${source} is fit`
      : `${source} is ${format.STATE_WORDS[word]}${reason}`;
  } else {
    row.severity = word === "lost" ? "warning" : "info";
    row.words = `${source}: connection ${word === "connected" ? "open" : word}` +
      (word === "connected" ? "" : reason);
  }
  return row;
}
