// Whether what is shown can be believed to be of this moment. Pure: the clock comes as a value.

// without an answer, or without a frame although there should be one
export const PATIENCE_MS = 3000;

/** What is known of the two lines to the bot; times are performance.now() ms. */
export class Pulse {
  constructor(now) {
    this.startedAt = now;
    this.resumedAt = now; // since when somebody looks
    this.boardAt = null; // last answer
    this.boardFault = null; // why the last question had none
    this.refused = false; // whether it was answered, with a refusal
    this.socket = "closed"; // connecting | open | closed
    this.socketFault = "";
    this.frameAt = null;
    this.closedAt = null; // when the stream was lost
    this.silentBoards = 0; // answers in a row that told of new messages while no frame came
    this.total = null;
  }

  /** Returns: whether the last question had no answer. */
  answered(total, now) {
    const isBack = this.boardFault !== null;
    const frames = this.frameAt !== null && this.boardAt !== null && this.frameAt > this.boardAt;
    // a bot that was started again counts anew
    const advanced = this.total !== null && total > this.total;
    if (frames || !advanced) this.silentBoards = frames ? 0 : this.silentBoards;
    else this.silentBoards += 1;
    this.total = total;
    this.boardAt = now;
    this.boardFault = null;
    return isBack;
  }

  /** refused: the bot did answer, and not with what was asked for. */
  unanswered(fault, refused = false) {
    this.boardFault = fault;
    this.refused = refused;
  }

  opened(now) {
    this.socket = "open";
    this.socketFault = "";
    this.frameAt = now;
    this.silentBoards = 0;
  }

  frame(now) {
    this.frameAt = now;
    this.silentBoards = 0;
  }

  /** Lost, or not opened either. */
  closed(fault, now) {
    if (this.socket === "open") this.closedAt = now;
    this.socket = "closed";
    this.socketFault = fault;
  }

  /** The stream is up, yet nothing comes through it: a half-open connection. */
  isMute(now) {
    return this.socket === "open" && this.silentBoards >= 3 && now - this.frameAt > PATIENCE_MS;
  }

  /**
   * live: everything works. word: for the status line; sinceMs: what to add to it, apart, so that
   * it is not read aloud every second. lost: what is lost, in words, or "". oldMs: how old the
   * numbers are.
   */
  verdict(now) {
    const boardMs = now - (this.boardAt ?? this.startedAt);
    const frameMs = now - (this.frameAt ?? this.startedAt);
    const silent = this.boardFault !== null || boardMs > PATIENCE_MS + 1000;
    const mute = this.isMute(now);
    const streamLost = this.socket !== "open" || mute;
    const isNew = now - this.startedAt < PATIENCE_MS && !silent;
    if (isNew && (this.boardAt === null || this.frameAt === null)) {
      return { live: false, word: "CONNECTING", lost: "", oldMs: null };
    }
    const isBack = this.boardAt !== null && this.boardAt < this.resumedAt;
    if (isBack && now - this.resumedAt < PATIENCE_MS) {
      return { live: false, word: "CATCHING UP", lost: "", oldMs: boardMs };
    }
    if (!silent && !streamLost) return { live: true, word: "LIVE", lost: "", oldMs: boardMs };
    const isConnecting = this.socket === "connecting";
    return {
      live: false, word: isConnecting ? "RECONNECTING" : "STREAM LOST",
      sinceMs: isConnecting ? null : silent ? boardMs : frameMs,
      lost: silent ? this.#noAnswer() : this.#noStream(mute),
      oldMs: this.boardAt === null ? null : boardMs,
    };
  }

  #noAnswer() {
    const fault = this.boardFault ? ` (${this.boardFault})` : "";
    const lead = this.refused && fault ? "The bot refuses to tell" : "No answer from the bot";
    return `${lead}${fault}: no number here is of this moment. The page goes on ` +
      "asking.";
  }

  #noStream(mute) {
    const fault = mute ? "it is open, but nothing comes" : this.socketFault || "not connected";
    // a bot that has just ended has closed its stream, and not been asked since
    const since = mute ? this.frameAt : this.closedAt;
    const numbers = this.boardAt !== null && this.boardAt > (since ?? this.startedAt)
      ? " The numbers still come once a second, crossed out until it is back." : "";
    return `The live stream is lost (${fault}): alerts may be missed.${numbers} The page ` +
      "connects again by itself.";
  }
}
