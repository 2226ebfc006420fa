// Drills: a source is cut off on purpose. Only where the bot allows it, and never by one click.

import { $, attribute, el, keyed, text } from "./dom.js";
import * as format from "./format.js";

const WORDS = { cut: "Cut off", silence: "Silence" };

export class Drills {
  #told = "";

  draw({ drills, sources }) {
    $("drills").hidden = drills.refused !== null;
    if (drills.refused !== null) return;
    attribute($("drill-seconds"), "min", drills.shortestS);
    attribute($("drill-seconds"), "max", drills.longestS);
    const wishes = sources.flatMap(({ exchange }) =>
      drills.faults.map((fault) => ({ source: exchange, fault })));
    keyed($("drill-buttons"), wishes, ({ source, fault }) => `${source} ${fault}`,
      (wish) => this.#button(wish, drills.symbol),
      (button) => { button.disabled = drills.last?.state === "running"; });
    if (drills.last) this.#say(outcome(drills.last));
  }

  #button(wish, symbol) {
    const words = `${WORDS[wish.fault] ?? wish.fault} ${wish.source}`;
    const button = el("button", { type: "button" }, words);
    button.onclick = () => this.#confirm(wish, symbol);
    return button;
  }

  #confirm({ source, fault }, symbol) {
    const field = $("drill-seconds");
    if (!field.reportValidity()) return;
    const seconds = field.valueAsNumber;
    text($("confirm-words"), `${WORDS[fault] ?? fault} ${source} for ${seconds} s? Who reads ` +
      `${symbol} gets what they would get in earnest.`);
    const dialog = $("confirm");
    $("confirm-no").onclick = () => dialog.close();
    $("confirm-yes").onclick = () => {
      dialog.close();
      this.#begin({ source, fault, seconds });
    };
    dialog.showModal();
    $("confirm-no").focus();
  }

  async #begin(wish) {
    try {
      const response = await fetch("/api/v1/drill", {
        method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify(wish), signal: AbortSignal.timeout(3000),
      });
      const told = await response.json();
      this.#say(response.ok ? outcome(told) : `Not begun: ${told.detail}`);
    } catch (error) {
      this.#say(`Not begun: ${error.message}`);
    }
  }

  #say(words) {
    if (words === this.#told) return; // what a refusal says stays until there is news
    this.#told = words;
    text($("drill-outcome"), words);
  }
}

function outcome({ state, source, fault, seconds, report }) {
  const what = `${WORDS[fault] ?? fault} ${source} for ${seconds} s`;
  if (state === "running") return `${what}: running.`;
  if (state === "failed" || report === null) return `${what}: failed; the log says why.`;
  const switched = report.switchedAfterMs === null ? "nobody had to take over"
    : `${report.activeDuring} took over after ${format.lasted(report.switchedAfterMs)}`;
  const back = report.backAfterMs === null
    ? (report.cameBack ? `${source} is fit again` : `${source} is NOT fit again`)
    : `all as before ${format.lasted(report.backAfterMs)} after its end`;
  return `${what}: ${report.interrupted ? "interrupted; " : ""}${switched}; no trusted price for ` +
    `${format.lasted(report.blackoutTrustedMs)}; ${back}.`;
}
