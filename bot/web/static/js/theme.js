// Dark or light: as the system wishes, until somebody chooses; that is kept.

import { $, text } from "./dom.js";

const KEY = "theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

/** changed: called when colours are others, for what is drawn on canvases. */
export function startTheme(changed) {
  const show = () => {
    const theme = chosen() ?? (dark.matches ? "dark" : "light");
    document.documentElement.dataset.theme = theme;
    text($("theme"), theme === "dark" ? "Light" : "Dark");
    $("theme").setAttribute("aria-label", `Change to ${theme === "dark" ? "light" : "dark"} colours`);
    changed();
  };
  dark.addEventListener("change", show);
  $("theme").onclick = () => {
    try {
      localStorage.setItem(KEY, document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    } catch {
      // a browser that keeps nothing shows what the system wishes
    }
    show();
  };
  show();
}

function chosen() {
  try {
    const theme = localStorage.getItem(KEY);
    return ["dark", "light"].includes(theme) ? theme : null;
  } catch {
    return null;
  }
}
