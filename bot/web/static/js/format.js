// Values in words and figures. What is unknown is a dash.

export const DASH = "–";
const SHORTEST_GIST = 6, LONGEST_GIST = 48; // characters
const formats = new Map();

function decimal(value, digits) {
  let format = formats.get(digits);
  if (format === undefined) {
    format = new Intl.NumberFormat("en-US", {
      minimumFractionDigits: digits, maximumFractionDigits: digits,
    });
    formats.set(digits, format);
  }
  return format.format(value);
}

const known = (value) => typeof value === "number" && Number.isFinite(value);

/** As many decimals for all prices of one size, so that figures stay below one another. */
export function price(value) {
  if (!known(value)) return DASH;
  return decimal(value, priceDigits(value));
}

export function priceDigits(value) {
  const size = Math.abs(value);
  if (size >= 1000) return 2;
  if (size >= 1) return 4;
  return Math.min(12, 4 - Math.floor(Math.log10(size || 1)));
}

export const whole = (value) => (known(value) ? decimal(value, 0) : DASH);

export const tenth = (value) => (known(value) ? decimal(value, 1) : DASH);

export function bps(value) {
  if (!known(value)) return DASH;
  const told = decimal(Math.abs(value), Math.abs(value) < 1000 ? 1 : 0);
  return `${value < 0 && told !== "0.0" ? "−" : "+"}${told} bps`;
}

/** A duration to what one can grasp: 246 ms, 3.4 s, 2 min 5 s, 3 h 12 min, 2 d 4 h. */
export function lasted(ms) {
  if (!known(ms)) return DASH;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  for (const [size, name, less, word] of [
    [86_400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"],
  ]) {
    if (seconds >= size) {
      return `${Math.floor(seconds / size)} ${name} ${Math.floor((seconds % size) / less)} ${word}`;
    }
  }
  return `${seconds} s`;
}

/** Whole seconds, for what counts up before one's eyes. */
export const seconds = (ms) => (ms < 60_000 ? `${Math.floor(ms / 1000)} s` : lasted(ms));

/** Time of day of epoch ms, UTC. */
export const clock = (ms) => (known(ms) ? new Date(ms).toISOString().slice(11, 19) : "--:--:--");

/** The same, with the date where that is another day than `now`. */
export function moment(ms, now) {
  const iso = new Date(ms).toISOString();
  const today = new Date(now).toISOString().slice(0, 10);
  return (iso.startsWith(today) ? "" : `${iso.slice(5, 10)} `) + iso.slice(11, 19);
}

export function bytes(value) {
  if (!known(value)) return DASH;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = value, unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${decimal(size, size < 10 && unit ? 1 : 0)} ${units[unit]}`;
}

/** The first words of a fault, without the message that it may quote. */
export function gist(words) {
  const said = words.split(/["'{[]/, 1)[0].replace(/[\s:,(]+$/, "");
  const told = said.length < SHORTEST_GIST ? words : said;
  if (told.length > LONGEST_GIST) return `${told.slice(0, LONGEST_GIST - 1)}…`;
  return told === words ? told : `${told} …`;
}

/** binance, okx and kraken */
export function list(names) {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

// ---- the words of the bot for people

export const TIER_WORDS = {
  websocket: "the exchanges' streams", kafka: "Kafka (another instance)",
  okx: "the REST API of OKX", mock: "nowhere: made up",
};

export const STATUS_WORDS = {
  trusted: "Trusted", degraded: "Degraded", disputed: "Disputed", stale: "Stale",
  synthetic: "Made up", none: "No price",
};

export const STATE_WORDS = {
  active: "active", fit: "fit", doubted: "doubted", away: "put away", unfit: "not fit",
  down: "down", off: "bot off", unknown: "not known",
};

// colour is never the only sign
export const ICONS = {
  active: "●", fit: "✓", doubted: "≠", away: "⊘", unfit: "!", down: "✕", off: "▒", unknown: "?",
  trusted: "✓", degraded: "◐", disputed: "≠", stale: "⏱", synthetic: "✎", none: "✕",
};

/** What a served price is worth, in one sentence without its status. */
export function worth(served) {
  if (served.price === null) return served.reason || "no tier has one";
  const rest = served.reason.split("; ").slice(1).join("; ");
  if (served.status === "trusted") {
    const others = served.sourcesUsed ?? [];
    return others.length > 1 ? `agreed by ${list(others)}` : served.reason;
  }
  if (served.status === "degraded") return rest || "nobody else confirms it";
  if (served.status === "synthetic") return "no real source has a price";
  return rest || served.reason;
}

export function confidence(served) {
  if (!known(served.price)) return DASH;
  if (!known(served.confidence)) return "nobody can say how far from the truth it is";
  const share = (served.confidence / served.price) * 10_000;
  return `within ± ${decimal(served.confidence, priceDigits(served.price))} ` +
    `(${decimal(share, 1)} bps) of the truth, unless all it rests on are wrong`;
}

export function origin(served) {
  if (served.price === null) return DASH;
  const tier = TIER_WORDS[served.source] ?? served.source;
  if (served.exchanges) return `${list(served.exchanges)}, through ${tier}`;
  if (served.exchange === null) return tier;
  return served.source === "websocket" ? `${served.exchange}, by its stream`
    : `${served.exchange}, through ${tier}`;
}
