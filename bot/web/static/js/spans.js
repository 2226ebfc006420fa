// From changes to lanes: what a source was from when to when. Pure.

/** [{from, to, state, rule, why, active}] of one source, in order, within [start, now]. */
export function sourceSpans(state, source, start, now) {
  const spans = past(state, "state", source, start);
  const began = state.startedAt;
  let current = null; // {state, rule, why}
  let active = false;
  let from = Math.max(start, began);
  for (const change of state.changes) {
    const isState = change.kind === "state" && change.source === source;
    const isActive = change.kind === "active" && (change.source === source) !== active;
    if (!isState && !isActive) continue;
    push(spans, from, Math.min(change.at, now), current, active);
    from = Math.max(start, change.at);
    if (isState) current = { state: change.word, rule: change.rule, why: change.why };
    if (isActive) active = change.source === source;
  }
  push(spans, from, now, current, active);
  return spans;
}

/** The same of what was served: state is the status of the price, `source` the tier. */
export function servedSpans(state, start, now) {
  const spans = past(state, "served", null, start);
  let current = null;
  let from = Math.max(start, state.startedAt);
  for (const change of state.changes) {
    if (change.kind !== "served") continue;
    push(spans, from, Math.min(change.at, now), current, false);
    from = Math.max(start, change.at);
    current = { state: change.word, rule: change.source ?? "", why: change.why };
  }
  push(spans, from, now, current, false);
  return spans;
}

function push(spans, from, to, current, active) {
  if (to <= from) return;
  const told = current ?? { state: "unknown", rule: "", why: "" };
  const last = spans.at(-1);
  if (last && last.to >= from && last.state === told.state && last.active === active &&
      last.why === told.why) {
    last.to = to;
  } else {
    spans.push({ from, to, ...told, active });
  }
}

/** What earlier lives of the bot left: their incidents, who was active, the times without a bot. */
function past(state, kind, source, start) {
  const good = { state: kind === "served" ? "trusted" : "fit", rule: "", why: "" };
  const ofLane = state.past.filter((span) => span.source === source);
  const bad = state.past.filter((span) => span.kind === "off" || span.kind === kind);
  const active = ofLane.filter((span) => span.kind === "active");
  const spans = [];
  const end = state.startedAt;
  let from = Math.max(start, state.since);
  for (const span of bad.sort((a, b) => a.from - b.from)) {
    if (span.kind === kind && span.source !== source) continue;
    const at = Math.min(Math.max(span.from, from), end);
    const told = { state: span.word, rule: span.rule, why: span.why === span.word ? "" : span.why };
    pushSplit(spans, from, at, good, active);
    pushSplit(spans, at, Math.min(span.to, end), told, active);
    from = Math.max(from, span.to);
  }
  pushSplit(spans, from, end, good, active);
  return spans;
}

/** One state, cut where the source became active or was left. */
function pushSplit(spans, from, to, told, active) {
  for (const span of active) {
    if (span.to <= from || span.from >= to) continue;
    push(spans, from, Math.max(from, span.from), told, false);
    push(spans, Math.max(from, span.from), Math.min(to, span.to), told, true);
    from = Math.min(to, span.to);
  }
  push(spans, from, to, told, false);
}

/**
 * The moments at which another source or another tier took over, and at which the bot was started:
 * [{at, label, kind}], oldest first.
 */
export function marks(state, start) {
  let tier;
  const found = state.past.filter((span) => span.kind === "active" && span.from >= start)
    .map((span) => ({ at: span.from, kind: "active", label: `→ ${span.source}` }));
  if (state.startedAt > start) {
    found.push({ at: state.startedAt, kind: "start", label: "start of the bot" });
  }
  for (const change of state.changes) {
    if (change.kind === "active") {
      if (change.at >= start) {
        found.push({ at: change.at, kind: "active", label: `→ ${change.source ?? "nobody"}` });
      }
    } else if (change.kind === "served") {
      if (tier !== undefined && change.source !== tier && change.at >= start) {
        found.push({ at: change.at, kind: "tier", label: `→ ${change.source ?? "none"}` });
      }
      tier = change.source;
    }
  }
  return found;
}
