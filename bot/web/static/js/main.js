// The page put together: two lines to the bot, one state, and what draws it.

import { Board } from "./board.js";
import { Charts } from "./charts.js";
import { $, attribute, el, text } from "./dom.js";
import { Drills } from "./drills.js";
import { drawFooter } from "./footer.js";
import * as format from "./format.js";
import { drawAge, drawHeadline, drawVerdict } from "./headline.js";
import { drawEvents, drawIncidents } from "./incidents.js";
import { Lanes } from "./lanes.js";
import { Pulse } from "./pulse.js";
import { HOUR_MS, State } from "./state.js";
import { Stream } from "./stream.js";
import { Symbols } from "./symbols.js";
import { drawAges, drawTable } from "./table.js";
import { startTheme } from "./theme.js";

const TICK_MS = 250, TOGETHER_MS = 1000, MOST_SAID = 4, UNKNOWN_AFTER_MS = 2000;
const SPANS = [["5 min", 300_000], ["15 min", 900_000], ["1 h", HOUR_MS]];

class Page {
  #spanMs = null;

  constructor() {
    this.state = new State();
    this.pulse = new Pulse(performance.now());
    this.lanes = new Lanes();
    this.charts = new Charts();
    this.drills = new Drills();
    this.board = new Board(this.state, this.pulse, () => this.draw(),
      () => this.stream.hurry());
    this.symbols = new Symbols((symbol) => this.board.choose(symbol));
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.stream = new Stream(`${scheme}//${location.host}/ws`, this.pulse,
      (message) => this.take(message));
    this.framed = 0;
  }

  /**
   * The time shown: until somebody chooses, the shortest that held all there was at the first look.
   * It does not grow with what is known: nothing changes under somebody who reads.
   */
  get spanMs() {
    const known = this.state.board.timestamp - this.state.since;
    this.#spanMs ??= (SPANS.find(([, ms]) => known <= ms) ?? SPANS.at(-1))[1];
    return this.#spanMs;
  }

  start() {
    startTheme(() => this.draw());
    this.#offerSpans();
    this.#offerLogout();
    this.board.choose(Symbols.wanted());
    this.resume();
    document.addEventListener("visibilitychange",
      () => (document.hidden ? this.pause() : this.resume()));
    addEventListener("resize", () => this.draw());
  }

  /** Nobody looks: ask nothing. What happens meanwhile comes with the next answer. */
  pause() {
    this.board.stop();
    clearInterval(this.timer);
    // a title is read without looking at the page, and this one is of now on old
    document.title = "paused · autonomous-bot";
  }

  resume() {
    this.pulse.resumedAt = performance.now();
    this.board.start();
    this.stream.hurry(); // a pause between two attempts is not for who looks
    clearInterval(this.timer);
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.tick();
  }

  /** A message of the stream. */
  take(message) {
    this.state.takeMessage(message);
    if (message.type === "alert") {
      text($("said"), this.#said());
      this.draw();
    }
  }

  /** What to read aloud: one fault alerts for each symbol, and all of them should be heard. */
  #said() {
    const [newest] = this.state.alerts;
    return this.state.alerts.filter((alert) => newest.timestamp - alert.timestamp < TOGETHER_MS)
      .slice(0, MOST_SAID).map((alert) => alert.message).join(". ");
  }

  /** Draw all of it, once for however many changes before the next frame. */
  draw() {
    this.framed ||= requestAnimationFrame(() => {
      this.framed = 0;
      if (this.state.board !== null) this.#drawAll();
      this.tick();
    });
  }

  #drawAll() {
    const { state } = this;
    const { board } = state;
    const now = board.timestamp;
    document.body.classList.remove("waiting");
    this.symbols.draw(board);
    text($("instance"), board.instance);
    $("logout").hidden = !board.needsLogin;
    text($("open"), board.openIncidents ? `▲ ${board.openIncidents} open` : "✓ no incident");
    attribute($("open"), "data-bad", board.openIncidents ? "" : null);
    for (const button of $("spans").children) {
      attribute(button, "aria-pressed", button.dataset.ms === `${this.spanMs}`);
    }
    drawHeadline(board, now);
    drawIncidents(board);
    drawEvents(state);
    this.lanes.draw(state, this.spanMs, now);
    drawTable(state, this.spanMs, now);
    this.charts.draw(state, this.spanMs, now);
    this.drills.draw(board);
    drawFooter(board, state.health);
  }

  /** What changes by time alone: ages, the clock, and whether all this can be believed. */
  tick() {
    const now = performance.now();
    const { state, pulse } = this;
    if (pulse.isMute(now)) this.stream.restart("nothing came through it");
    const verdict = pulse.verdict(now);
    text($("live-word"), verdict.word);
    text($("live-since"), verdict.sinceMs ? ` ${format.seconds(verdict.sinceMs)}` : "");
    const isOld = !verdict.live && verdict.oldMs !== null;
    attribute($("live"), "data-live", verdict.live ? "yes" : isOld ? "no" : "not yet");
    $("banner").hidden = !verdict.lost;
    text($("banner"), verdict.lost);
    document.body.classList.toggle("stale", isOld);
    for (const old of document.querySelectorAll(".old")) {
      text(old, isOld ? `old: ${format.seconds(verdict.oldMs)}` : "");
    }
    if (state.board === null) return;
    text($("clock"), format.clock(state.time(now)));
    // while only the stream is lost, answers still come and are of this moment
    drawVerdict(state.board, isOld && verdict.oldMs > UNKNOWN_AFTER_MS);
    drawAge(state.board, now - state.boardAt);
    drawAges(state.board, now - state.boardAt);
    const time = state.time(now);
    if (verdict.live && this.charts.isDue(this.spanMs, time)) {
      this.charts.draw(state, this.spanMs, time);
    }
    const status = format.STATUS_WORDS[state.board.served.status ?? "none"].toLowerCase();
    document.title =
      `${state.board.symbol} ${verdict.live ? status : "STREAM LOST"} · autonomous-bot`;
  }

  #offerSpans() {
    const buttons = SPANS.map(([words, ms]) => {
      const button = el("button", { type: "button", "data-ms": ms }, words);
      button.onclick = () => {
        this.#spanMs = ms;
        this.draw();
      };
      return button;
    });
    $("spans").append(...buttons);
  }

  #offerLogout() {
    $("logout").onclick = async () => {
      await fetch("/logout", { method: "POST" });
      location.reload();
    };
  }
}

export const page = new Page();
page.start();
