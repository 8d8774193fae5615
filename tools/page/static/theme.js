// SPDX-License-Identifier: MIT
// Colours: as the system has them, light, or dark; kept for the next visit.

const KEY = "msgin5g-theme";
const THEMES = { system: "as the system", light: "light", dark: "dark" };

export function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // then it holds until the page is left
  }
}

let theme = "system";

function apply(button) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  const words = `Colours: ${THEMES[theme]}`;
  button.setAttribute("aria-label", words);
  button.title = words;
}

/** The next of them. */
export function turn(button) {
  const names = Object.keys(THEMES);
  theme = names[(names.indexOf(theme) + 1) % names.length];
  remember(KEY, theme);
  apply(button);
}

export function begin(button) {
  const kept = remembered(KEY);
  theme = Object.hasOwn(THEMES, kept ?? "") ? kept : "system";
  button.addEventListener("click", () => turn(button));
  apply(button);
}
