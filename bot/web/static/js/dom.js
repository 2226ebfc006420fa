// The only ways in which this page writes into the document: text, never HTML, and only changes.

export const $ = (id) => document.getElementById(id);

/** Make an element: el("p", {class: "x"}, "text", child). */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) attribute(element, name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Set the text where it is another; an unchanged node costs no layout and is not read aloud. */
export function text(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

/** Set an attribute where it is another; null takes it away. */
export function attribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

/**
 * Keep the children of `parent` in step with `rows`: one element per key, made once by `make`,
 * told of each new row by `update`, in order, so that focus and memory stay where they are.
 */
export function keyed(parent, rows, key, make, update) {
  const kept = parent.keyed ?? (parent.keyed = new Map());
  const wanted = new Set(rows.map(key));
  for (const [name, element] of kept) {
    if (!wanted.has(name)) {
      element.remove();
      kept.delete(name);
    }
  }
  rows.forEach((row, place) => {
    const name = key(row);
    let element = kept.get(name);
    if (element === undefined) {
      element = make(row);
      kept.set(name, element);
    }
    if (parent.children[place] !== element) {
      parent.insertBefore(element, parent.children[place] ?? null);
    }
    update(element, row);
  });
}

/** A colour of the style sheet, for canvases. */
export const colour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
