// Which symbol is shown: tabs for a few, a list for many. Kept in the address, for a reload.

import { $, attribute, el, keyed, text } from "./dom.js";
import * as format from "./format.js";

const MOST_TABS = 6;
const BAD = (row) => row.openIncidents > 0 || !["trusted", "degraded"].includes(row.status);

export class Symbols {
  #choose;
  #shown = "";

  /** choose: called with the symbol that somebody wants to see. */
  constructor(choose) {
    this.#choose = choose;
    addEventListener("hashchange", () => this.#choose(Symbols.wanted()));
  }

  /** What the address asks for, null for nothing. */
  static wanted() {
    return decodeURIComponent(location.hash.slice(1)) || null;
  }

  draw({ symbol, symbols }) {
    const asTabs = symbols.length <= MOST_TABS;
    if (this.#shown !== `${asTabs}`) {
      this.#shown = `${asTabs}`;
      const label = { "aria-label": "Symbol" };
      $("symbols").replaceChildren(asTabs ? el("div", { role: "tablist", ...label })
        : el("select", label));
      if (!asTabs) this.#root.onchange = () => this.#go(this.#root.value);
      else this.#root.onkeydown = (event) => this.#key(event);
    }
    if (asTabs) {
      keyed(this.#root, symbols, (row) => row.symbol, (row) => this.#tab(row),
        (tab, row) => drawTab(tab, row, row.symbol === symbol));
    } else {
      keyed(this.#root, symbols, (row) => row.symbol,
        (row) => el("option", { value: row.symbol }),
        (option, row) => text(option, label(row)));
      this.#root.value = symbol;
    }
  }

  get #root() {
    return $("symbols").firstElementChild;
  }

  #tab({ symbol }) {
    const tab = el("button", { type: "button", role: "tab", "aria-controls": "panel" });
    tab.onclick = () => this.#go(symbol);
    return tab;
  }

  #key(event) {
    const tabs = [...this.#root.children];
    const here = tabs.indexOf(document.activeElement);
    const to = {
      ArrowRight: (here + 1) % tabs.length, ArrowLeft: (here - 1 + tabs.length) % tabs.length,
      Home: 0, End: tabs.length - 1,
    }[event.key];
    if (here < 0 || to === undefined) return;
    event.preventDefault();
    tabs[to].focus();
    tabs[to].click();
  }

  #go(symbol) {
    history.replaceState(null, "", `#${encodeURIComponent(symbol)}`);
    this.#choose(symbol);
  }
}

function drawTab(tab, row, selected) {
  text(tab, label(row));
  attribute(tab, "aria-selected", selected);
  attribute(tab, "tabindex", selected ? 0 : -1);
  attribute(tab, "data-bad", BAD(row) ? "" : null);
}

function label(row) {
  if (!BAD(row)) return row.symbol;
  return `${row.symbol} ${row.openIncidents ? "▲" : format.ICONS[row.status ?? "none"]}`;
}
