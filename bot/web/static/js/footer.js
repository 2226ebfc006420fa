// What else there is to know: the record, Kafka, queues, the process itself.

import { $, attribute, el, keyed, text } from "./dom.js";
import * as format from "./format.js";

export function drawFooter(board, health) {
  const rows = [record(board.recorder), ...board.kafka.map(link), health && heard(health),
    dashboards(board), process(board)].filter(Boolean);
  keyed($("footer"), rows, ([name]) => name, () => el("p", {}, el("b"), el("span")),
    (line, [name, words, isBad]) => {
      text(line.firstChild, name);
      text(line.lastChild, ` ${words}`);
      attribute(line, "data-bad", isBad ? "" : null);
    });
}

function record(told) {
  if (!told.enabled) return ["Record", "switched off (ENABLE_DUCKDB)", false];
  const lost = told.dropped + told.rejected;
  const words = [
    told.active ? told.state : `NOT recording: ${told.state}`,
    `${format.whole(told.waiting)} of ${format.whole(told.capacity)} rows wait`,
    `commit p99 ${format.lasted(told.commitP99Ms)}`,
    `file ${format.bytes(told.fileBytes)}, ${format.bytes(told.freeBytes)} free`,
    lost ? `${format.whole(lost)} rows not recorded` : "",
  ];
  return ["Record", words.filter(Boolean).join(" · "), !told.active || told.diskLow || lost > 0];
}

function link(told) {
  const state = told.up === null ? "not known yet" : told.up ? "up" : `down: ${told.reason}`;
  return [`Kafka, ${told.direction} ${told.topic}`,
    `${state} for ${format.lasted(told.forMs)} · ${format.whole(told.waiting)} wait`,
    told.up === false];
}

function heard({ healthy, timestamp }) {
  return ["Health report", `${healthy ? "healthy" : "NOT healthy"} at ${format.clock(timestamp)}`,
    !healthy];
}

function dashboards({ dashboards: { connected, dropped, lostEvents } }) {
  const lost = dropped || lostEvents
    ? ` · ${format.whole(dropped)} dropped, ${format.whole(lostEvents)} events not sent` : "";
  return ["Dashboards", `${format.whole(connected)} connected${lost}`, lostEvents > 0];
}

function process(board) {
  const lines = board.logLinesDropped
    ? ` · ${format.whole(board.logLinesDropped)} log lines dropped` : "";
  return ["Bot", `${board.instance} · ${board.version} · ${board.mode} · up ` +
    `${format.lasted(board.uptimeMs)}${lines}`, board.logLinesDropped > 0];
}
