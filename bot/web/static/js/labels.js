// Where the labels of marks go, so that none stands on another. Pure.

/**
 * marks: [{x, wide}], oldest first: where each stands and how wide its label is. Of those that are
 * near one another the newest is told, for it says how things are. A label stands to the right of
 * its mark, at the right edge to the left of it. Returns: the left end of each, null for none.
 */
export function placed(marks, left, right, gap) {
  const taken = [];
  const places = marks.map(() => null);
  for (let place = marks.length - 1; place >= 0; place -= 1) {
    const { x, wide } = marks[place];
    const from = x + gap + wide <= right ? x + gap : x - gap - wide;
    const isFree = taken.every((one) => from + wide + gap <= one.from || from >= one.to + gap);
    if (from < left || !isFree) continue;
    taken.push({ from, to: from + wide });
    places[place] = from;
  }
  return places;
}
