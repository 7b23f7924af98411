// What happened, newest first.

import { find, make } from "./dom.js";

const MOST_LINES = 200;
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle: "h23" });

/** All that is known: not read out, as it is of the past. */
export function startLog(happenings) {
  const log = find("log");
  log.setAttribute("aria-live", "off");
  log.replaceChildren(...happenings.map(line).reverse());
  setTimeout(() => log.setAttribute("aria-live", "polite"), 500);
}

export function continueLog(happenings) {
  const log = find("log");
  for (const happening of happenings) {
    const item = line(happening);
    item.classList.add("arrived");
    log.prepend(item);
  }
  while (log.children.length > MOST_LINES) log.lastElementChild.remove();
}

function line({ at, kind, text }) {
  const moment = new Date(at * 1000);
  return make(
    "li",
    { class: kind },
    make("time", { datetime: moment.toISOString(), text: clock.format(moment) }),
    make("span", { text }),
  );
}
