// Asks for the board once a second, and for the trail when there is none yet or the bot is another.

import { PATIENCE_MS } from "./pulse.js";

const EVERY_MS = 1000;

export class Board {
  #timer = 0;
  #symbol = null;
  #round = 0; // answers to earlier rounds come too late
  #running = false;

  /**
   * state: takes the answers. pulse: told whether there are any. shown: called after each, back:
   * after the first that follows on a question without one.
   */
  constructor(state, pulse, shown, back) {
    this.state = state;
    this.pulse = pulse;
    this.shown = shown;
    this.back = back;
  }

  /** Show this symbol from now on, null for the main one. */
  choose(symbol) {
    this.#symbol = symbol;
    this.state.forget();
    if (this.#running) this.start();
  }

  start() {
    this.stop();
    this.#running = true;
    this.#round += 1;
    this.#ask(this.#round);
  }

  stop() {
    this.#running = false;
    this.#round += 1;
    clearTimeout(this.#timer);
  }

  async #ask(round) {
    const began = performance.now();
    let fault = null;
    try {
      await this.#look(round);
    } catch (error) {
      fault = error;
      if (error.status === 400) this.#symbol = null; // an address of long ago, or misspelt
    }
    if (round !== this.#round) return;
    if (fault !== null) this.pulse.unanswered(inWords(fault), fault.status !== undefined);
    this.shown();
    const left = Math.max(0, EVERY_MS - (performance.now() - began));
    this.#timer = setTimeout(() => this.#ask(round), left);
  }

  async #look(round) {
    if (this.state.cursor === null) {
      const trail = await fetched("/api/v1/trail", { symbol: this.#symbol });
      if (round !== this.#round) return;
      this.state.takeTrail(trail);
    }
    const board = await fetched("/api/v1/board", {
      symbol: this.#symbol, after: this.state.cursor,
    });
    if (round !== this.#round) return;
    const now = performance.now();
    if (!this.state.isOf(board)) {
      // the bot was started again, and its numbers begin anew; or it has read its record since
      this.state.forget();
      return await this.#look(round);
    }
    this.state.takeBoard(board, now);
    if (this.pulse.answered(this.state.total, now)) this.back();
  }
}

function inWords({ name, message, status }) {
  if (status === 401) return "it wants its token: load this page again, and log in";
  return name === "TimeoutError" ? "no answer in 3 s" : message;
}

/** Raises: an error with words for people. */
async function fetched(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null);
  const response = await fetch(`${path}?${new URLSearchParams(given)}`, {
    signal: AbortSignal.timeout(PATIENCE_MS), cache: "no-store",
  }).catch((error) => {
    throw error.name === "TimeoutError" ? error : new Error("it cannot be reached");
  });
  if (!response.ok) {
    throw Object.assign(new Error(`it answered ${response.status}`), { status: response.status });
  }
  return await response.json();
}
