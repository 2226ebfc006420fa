// The WebSocket: kept open, opened again after a pause that grows, each message handed on.

const FIRST_MS = 500, LONGEST_MS = 15_000, SETTLED_MS = 10_000, HANDSHAKE_MS = 5000;

/** Before the n-th attempt in a row; half of it by chance, or all pages would come at once. */
export function pauseMs(attempt, random = Math.random) {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt);
  return longest / 2 + (longest / 2) * random();
}

export class Stream {
  #socket = null;
  #timer = 0;
  #attempt = 0;
  #openedAt = 0;

  /** pulse: told how the line is. take: called with each message `{type, data}`. */
  constructor(url, pulse, take) {
    this.url = url;
    this.pulse = pulse;
    this.take = take;
  }

  open() {
    clearTimeout(this.#timer);
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    this.pulse.socket = "connecting";
    // a half-open network answers nothing, and a browser waits for minutes
    this.#timer = setTimeout(() => this.#lost(socket, "no answer"), HANDSHAKE_MS);
    socket.onopen = () => {
      clearTimeout(this.#timer);
      this.#openedAt = performance.now();
      this.pulse.opened(this.#openedAt);
    };
    socket.onmessage = (event) => this.#heard(event.data);
    socket.onclose = (event) => this.#lost(socket, event.reason || `closed, code ${event.code}`);
  }

  /** The bot answers again: try now, not after what is left of the pause. */
  hurry() {
    if (this.pulse.socket === "open") return;
    this.#drop(); // what was begun while it was away may hang for long
    this.#attempt = 0;
    this.open();
  }

  /** Give up a connection that looks open and brings nothing. */
  restart(why) {
    this.#lost(this.#socket, why);
  }

  #heard(data) {
    this.pulse.frame(performance.now());
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return; // nothing that this page understands
    }
    this.take(message);
  }

  #lost(socket, why) {
    if (socket === null || socket !== this.#socket) return; // one that was given up before
    this.#drop();
    const now = performance.now();
    if (this.pulse.socket === "open" && now - this.#openedAt > SETTLED_MS) this.#attempt = 0;
    this.pulse.closed(why, now);
    this.#timer = setTimeout(() => this.open(), pauseMs(this.#attempt));
    this.#attempt = Math.min(this.#attempt + 1, 10);
  }

  #drop() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (socket === null) return;
    this.#socket = null;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}
