// The served price, what it is worth, the tiers, and what to do now.

import { $, attribute, el, keyed, text } from "./dom.js";
import * as format from "./format.js";

export function drawHeadline(board, now) {
  const { served } = board;
  text($("served-symbol"), board.symbol);
  text($("price"), format.price(served.price));
  text($("origin"), format.origin(served));
  text($("sides"), `${format.price(served.bid)} / ${format.price(served.ask)}`);
  text($("confidence"), format.confidence(served));
  text($("active"), active(board, now));
  keyed($("tiers"), board.tiers, (tier) => tier.tier, makeTier, drawTier);
  text($("todo"), board.now.advice);
  attribute($("todo"), "data-severity", board.now.severity);
  if (board.now.runbook) text($("todo"), `${board.now.advice} More: ${board.now.runbook}`);
}

/** What the price is worth. isOld: nothing has been heard since, so nobody knows any more. */
export function drawVerdict({ served }, isOld) {
  const status = served.price === null ? "none" : served.status;
  const words = `${format.STATUS_WORDS[status]}: ${format.worth(served)}`;
  text($("verdict"), isOld ? `${format.ICONS.unknown} Not known now. When last heard of: ${words}`
    : `${format.ICONS[status]} ${words}`);
  attribute($("verdict"), "data-state", isOld ? "unknown" : status);
}

/** The age counts up by itself between two boards. */
export function drawAge(board, sinceMs) {
  const { ageMs } = board.served;
  text($("age"), ageMs === undefined ? format.DASH : format.lasted(ageMs + sinceMs));
}

function active({ active: { source, since, why } }, now) {
  if (source === null) return why ? `nobody: ${why}` : "nobody";
  const until = since === null ? "" : ` since ${format.moment(since, now)}`;
  return `${source}${until}${why ? `, ${why}` : ""}`;
}

const TIER_ICONS = { serving: "●", "passed over": "✕", "standing by": "○", off: "–" };

function makeTier() {
  return el("li", {}, el("b"), el("span", { class: "why" }));
}

function drawTier(item, { tier, state, why }) {
  const [head, reason] = item.children;
  attribute(item, "data-state", state);
  text(head, `${TIER_ICONS[state]} ${tier} ${state}`);
  text(reason, state === "serving" || state === "standing by" ? "" : why);
}
