// What the page knows: the last board, the hour, and the newest of the stream. Everything in it is
// bounded; nothing in it knows of the document.

export const HOUR_MS = 3_600_000;
const MOST_CHANGES = 5000, MOST_ALERTS = 30, MOST_TICKS = 64;

export class State {
  constructor() {
    this.alerts = []; // newest first; they outlive a change of the symbol
    this.health = null;
    this.forget();
  }

  /** Everything that belongs to one symbol or one life of the bot. */
  forget() {
    this.cursor = null;
    this.startedAt = null;
    this.board = null;
    this.boardAt = 0; // performance.now() of its arrival
    this.total = 0; // messages of all sources
    this.changes = [];
    this.past = [];
    this.since = Infinity;
    this.samples = null;
    this.ticks = new Map(); // exchange -> newest update of the symbol
  }

  /** Whether a board goes on from the trail that is here. */
  isOf(board) {
    return board.startedAt === this.startedAt && board.knownSince === this.knownSince;
  }

  takeTrail(trail) {
    this.startedAt = trail.startedAt;
    this.knownSince = trail.knownSince;
    this.statuses = trail.statuses;
    this.tiers = trail.tiers;
    this.past = trail.past.map(([from, to, kind, source, word, rule, why]) =>
      ({ from, to, kind, source, word, rule, why }));
    this.since = Math.min(trail.pastSince, trail.since);
    this.samples = null;
    this.changes = [];
    this.#takeNews(trail);
  }

  takeBoard(board, now) {
    this.board = board;
    this.boardAt = now;
    this.total = board.sources.reduce((sum, source) => sum + (source.messages ?? 0), 0);
    if (board.news) this.#takeNews(board.news);
    this.#forgetOld(board.timestamp - HOUR_MS);
  }

  /** A message of /ws; other types than these may come, and mean nothing here. */
  takeMessage({ type, data }) {
    if (type === "websocket_update") this.#takeUpdate(data);
    else if (type === "alert") this.alerts = [data, ...this.alerts].slice(0, MOST_ALERTS);
    else if (type === "health_update") this.health = data;
  }

  /** The bot's clock now, epoch ms; that of this machine may be off. */
  time(now) {
    return this.board === null ? Date.now() : this.board.timestamp + (now - this.boardAt);
  }

  #takeUpdate(update) {
    // an order book's price is no last trade, and would make the line jump to and fro
    if (this.board === null || update.symbol !== this.board.symbol) return;
    if (update.updateType === "orderbook") return;
    if (this.ticks.size < MOST_TICKS || this.ticks.has(update.exchange)) {
      this.ticks.set(update.exchange, update);
    }
  }

  #takeNews(news) {
    this.cursor = news.cursor;
    for (const [at, kind, source, word, rule, why] of news.changes) {
      this.changes.push({ at, kind, source, word, rule, why });
    }
    if (this.samples === null) this.samples = news.samples;
    else appendColumns(this.samples, news.samples);
    this.everyMs = news.everyMs;
  }

  #forgetOld(before) {
    const { at } = this.samples;
    let old = 0;
    while (old < at.length && at[old] < before) old += 1;
    if (old > 0) dropColumns(this.samples, old);
    this.past = this.past.filter((span) => span.to >= before);
    if (this.changes.length > MOST_CHANGES || (this.changes[0]?.at ?? before) < before) {
      this.changes = withoutOld(this.changes.slice(-MOST_CHANGES), before);
    }
  }
}

/** Of what was before, the last of each lane stays: it says how things stood at the beginning. */
function withoutOld(changes, before) {
  const standing = new Map();
  const young = [];
  for (const change of changes) {
    if (change.at >= before) young.push(change);
    else if (change.kind !== "connection") {
      standing.set(change.kind === "state" ? `state ${change.source}` : change.kind, change);
    }
  }
  return [...standing.values(), ...young];
}

function columns(samples) {
  const own = [samples.at, samples.price, samples.tier, samples.status];
  return [own, ...Object.values(samples.sources).map((source) => Object.values(source))].flat();
}

function appendColumns(samples, more) {
  const from = columns(more);
  columns(samples).forEach((column, place) => column.push(...from[place]));
}

function dropColumns(samples, count) {
  for (const column of columns(samples)) column.splice(0, count);
}
