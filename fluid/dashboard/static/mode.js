// The buttons that set the mode, by the way that `fluid mode` takes.

import { find } from "./dom.js";
import { post } from "./post.js";

export function startModes() {
  const buttons = [...document.querySelectorAll("[data-mode][aria-pressed]")];
  for (const button of buttons) {
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-disabled") !== "true") setMode(button.dataset.mode, buttons);
    });
  }
}

async function setMode(mode, buttons) {
  const error = find("mode-error");
  error.hidden = true;
  // Not `disabled`: that would take the focus away from whoever uses a keyboard.
  for (const button of buttons) button.setAttribute("aria-disabled", "true");
  try {
    const told = await post("/api/mode", mode);
    if (told.error) throw new Error(told.error.message);
  } catch (problem) {
    error.textContent = `The mode was not set: ${problem.message}`;
    error.hidden = false;
  } finally {
    for (const button of buttons) button.removeAttribute("aria-disabled");
  }
}
