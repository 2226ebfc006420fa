// An hour with some trouble in it, as /api/v1/trail would tell it: for pictures that are taken some
// seconds after the start of a bot. The same each time.
async () => {
  const { page } = await import("/static/js/main.js");
  const { board, cursor } = page.state;
  page.pause();
  const EVERY_MS = 2000, COUNT = 1800, start = board.timestamp - EVERY_MS * COUNT;
  const [first, second, third] = board.sources.map((source) => source.exchange);
  const at = (place) => start + place * EVERY_MS;
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647 - 0.5;
  const samples = { at: [], price: [], tier: [], status: [], sources: {} };
  for (const name of [first, second, third]) {
    samples.sources[name] = { price: [], rate: [], lagMs: [], silentMs: [] };
  }
  const moves = Array.from({ length: COUNT }, () => random() * 14);
  let price = board.served.price - moves.reduce((sum, move) => sum + move, 0);
  moves.forEach((move, place) => {
    price += move;
    samples.at.push(at(place));
    samples.price.push(price);
    samples.tier.push(0);
    samples.status.push(0);
    [first, second, third].forEach((name, source) => {
      const isAway = source === 2 && place > 901 && place < 962;
      const isDown = source === 1 && place >= 1300 && place < 1345;
      const bps = source === 0 ? 0 : (source === 1 ? 2 : -2.5) + random() * 1.5 + (isAway ? 40 : 0);
      const own = samples.sources[name];
      own.price.push(isDown ? null : price * (1 + bps / 10000));
      own.rate.push(isDown ? 0 : 20 + random() * 6);
      own.lagMs.push(isDown ? null : Math.abs(random()) * 9 + (place === 600 ? 120 : 0));
      own.silentMs.push(isDown ? null : 90 + random() * 150);
    });
  });
  const why = "disagrees with binance and okx by +40.1 bps; put away for 10 s";
  page.state.takeTrail({
    startedAt: board.startedAt, knownSince: board.knownSince, cursor, everyMs: EVERY_MS, samples,
    statuses: ["trusted", "degraded", "disputed", "stale", "synthetic"],
    tiers: ["websocket", "kafka", "okx", "mock"], past: [], pastSince: start, since: start,
    changes: [
      ...[first, second, third].map((name) => [start - 1, "state", name, "fit", "first", ""]),
      [start - 1, "active", first, "", "", "first fresh data"],
      [start - 1, "served", "websocket", "trusted", "", "active source is fresh"],
      [at(500), "connection", first, "lost", "", "Connection reset by peer; next attempt in 1 s"],
      [at(500), "state", first, "down", "connection", "not connected: Connection reset by peer"],
      [at(500), "active", second, first, "", "not connected: Connection reset by peer"],
      [at(512), "connection", first, "connected", "", "connected"],
      [at(512), "state", first, "fit", "connection", ""],
      [at(517), "active", first, second, "", "primary fit for 10.0 s"],
      [at(901), "state", third, "away", "disagreement", why],
      [at(966), "state", third, "fit", "disagreement", ""],
      [at(1300), "state", second, "down", "connection", "not connected: timed out"],
      [at(1345), "state", second, "fit", "connection", ""],
    ],
  });
  page.state.startedAt = start; // so that the lanes begin there, too
  page.draw();
};
