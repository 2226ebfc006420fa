// From where to where the axes of the charts go. Pure. A source that is absurdly far off leaves the
// picture, or nothing else could be seen in it; the legend tells its value all the same.

const MOST_BPS = 100; // a distance that is always shown; what is beyond is told in words
const ROOM = 1.5; // around those that are believed, where they are farther apart than that

/** Of distances in bps. data: columns, seconds first; start: s; sources: of the board. */
export function ofDistances(data, start, sources) {
  const believed = sources.filter((source) => source.state === "fit" && source.bps !== null)
    .map((source) => Math.abs(source.bps));
  const most = Math.max(MOST_BPS, ...believed.map((bps) => bps * ROOM));
  const [at, ...columns] = data;
  const shown = columns.flatMap((column) => inView(at, column, start))
    .filter((bps) => Math.abs(bps) <= most);
  return shown.length ? withRoom(least(shown), largest(shown)) : [-1, 1];
}

/** Of prices, of which the first column is what is served. */
export function ofPrices([at, served], start) {
  const shown = inView(at, served, start);
  if (!shown.length) return null; // whatever fits
  const low = least(shown), high = largest(shown);
  const room = Math.max((high - low) * 0.3, high * 2e-4);
  return [low - room, high + room];
}

/** Some room above and below, and never a scale of nothing. */
export function withRoom(low, high) {
  if (low === null || high === null) return [-1, 1];
  const room = Math.max((high - low) * 0.12, Math.abs(high) * 1e-5, 0.5e-8);
  return [low - room, high + room];
}

/** What lies outside of the range: [{name, farthest}]. names: of the columns. */
export function beyond([at, ...columns], names, start, [low, high]) {
  return names.flatMap((name, place) => {
    const out = inView(at, columns[place], start).filter((value) => value < low || value > high);
    return out.length ? [{ name, farthest: out.reduce(farther) }] : [];
  });
}

const farther = (one, other) => (Math.abs(other) > Math.abs(one) ? other : one);

const inView = (at, column, start) =>
  (column ?? []).filter((value, place) => value !== null && at[place] >= start);

const least = (values) => values.reduce((one, other) => Math.min(one, other));

const largest = (values) => values.reduce((one, other) => Math.max(one, other));
