// Dark or light: as the system wishes, until somebody chooses; that is kept.

import { $, attribute, text } from "./dom.js";

const KEY = "theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

/** changed: called when colours are others, for what is drawn on canvases. */
export function startTheme(changed) {
  const show = () => {
    const theme = chosen() ?? (dark.matches ? "dark" : "light");
    document.documentElement.dataset.theme = theme;
    text($("theme"), theme === "dark" ? "Light" : "Dark");
    attribute($("theme"), "aria-label", `Change to ${other(theme)} colours`);
    changed();
  };
  dark.addEventListener("change", show);
  $("theme").onclick = () => {
    try {
      localStorage.setItem(KEY, other(document.documentElement.dataset.theme));
    } catch {
      // a browser that keeps nothing shows what the system wishes
    }
    show();
  };
  show();
}

const other = (theme) => (theme === "dark" ? "light" : "dark");

function chosen() {
  try {
    const theme = localStorage.getItem(KEY);
    return ["dark", "light"].includes(theme) ? theme : null;
  } catch {
    return null;
  }
}
