// The cluster as it is now: a sentence, the halves of the network, the mode and the devices.

import { find, listed, make, percent, setText } from "./dom.js";
import { learnSlots, toneOfSlot } from "./tones.js";

const NAMES = { auto: "automatic", ha: "high accuracy", ht: "high throughput" };
const NOTES = {
  ha: "All devices answer each image together: the most accurate answer.",
  ht: "Each device answers images of its own: the most images a second.",
};

export function showCluster(cluster) {
  learnSlots(Object.keys(cluster.placement));
  const working = cluster.members.filter((each) => each.state === "online" && !each.silent);
  setText(find("headline"), headline(cluster, working));
  setText(find("facts"), facts(cluster));
  showNotice(cluster);
  showHalves(cluster, working);
  showModes(cluster);
  showDevices(cluster);
  showFooter(cluster);
}

function headline(cluster, working) {
  if (cluster.trouble) return cluster.known ? "The broker is gone" : "No broker answers";
  if (!cluster.known) return "Looking for the cluster";
  if (!working.length) return "No device is online";
  if (cluster.leader === null) return "Nobody leads yet";
  const names = working.map((each) => each.agent);
  if (names.length === 1) return `${names[0]} answers alone`;
  const who = names.length <= 3 ? listed(names) : `${names.length} devices`;
  return cluster.mode === "ha" ? `${who} answer together` : `${who} share the images`;
}

function facts(cluster) {
  if (cluster.term === null) return "";
  const leader = cluster.leader === null ? "nobody leads" : `${cluster.leader} leads`;
  return `${leader} · term ${cluster.term}`;
}

function showNotice(cluster) {
  const notice = find("notice");
  let text = "";
  if (cluster.trouble) {
    const past = cluster.known ? " What is shown is how it was." : "";
    text = `${cluster.trouble}. Trying again.${past}`;
  } else if (cluster.known && !cluster.members.length) {
    text = "No agent has announced itself: start one, or connect as an operator if only operators may see the cluster.";
  } else if (cluster.note) {
    text = cluster.note;
  }
  notice.hidden = !text;
  setText(notice, text);
}

function showHalves(cluster, working) {
  const present = new Set(working.map((each) => each.agent));
  const list = find("halves");
  list.hidden = !Object.keys(cluster.placement).length;
  list.dataset.mode = cluster.mode ?? "";
  const halves = Object.entries(cluster.placement).map(([slot, agents]) => {
    const holders = agents.filter((agent) => present.has(agent));
    return make(
      "li",
      { class: `half ${toneOfSlot(slot)}`, "data-held": holders.length ? "yes" : "no" },
      make("b", { text: slot }),
      make("span", { text: holders.length ? listed(holders) : "nobody" }),
    );
  });
  replaceIfChanged(list, halves);
}

function showModes(cluster) {
  for (const button of document.querySelectorAll("[data-mode][aria-pressed]")) {
    button.setAttribute("aria-pressed", String(button.dataset.mode === cluster.operator_mode));
    const isNow = cluster.operator_mode === "auto" && button.dataset.mode === cluster.mode;
    button.toggleAttribute("data-now", isNow);
  }
  const note = NOTES[cluster.mode] ?? "";
  const chosen = cluster.operator_mode === "auto" && note ? `By load, now ${NAMES[cluster.mode]}. ` : "";
  setText(find("mode-note"), chosen + note);
}

function showDevices(cluster) {
  const table = find("devices");
  table.hidden = !cluster.members.length;
  const rows = cluster.members.map((member) => row(member));
  replaceIfChanged(table.tBodies[0], rows);
}

function row(member) {
  const state = member.state !== "online" ? "gone" : member.silent ? "silent" : "online";
  const word = { gone: "offline", silent: "silent", online: "online" }[state];
  const slots = member.slots.map((slot) =>
    make("span", { class: `slot ${toneOfSlot(slot)}`, text: slot }),
  );
  const cell = (label, text, extra = {}) =>
    make("td", { role: "cell", "data-label": label, text, ...extra });
  return make(
    "tr",
    { role: "row", "data-state": state, "data-agent": member.agent },
    make(
      "th",
      { role: "rowheader", scope: "row", text: member.agent },
      make("small", { text: member.leads ? `${member.role}, leads` : member.role }),
    ),
    make("td", { role: "cell" }, make("span", { class: "state", "data-state": state, text: word })),
    slots.length
      ? make("td", { role: "cell", "data-label": "Slots" }, ...slots)
      : cell("Slots", "none"),
    cell("Serves", member.serving ? member.serving.toUpperCase() : "–"),
    cell("Queue", member.queue === null ? "–" : String(member.queue), { class: "number" }),
    make("td", { role: "cell", "data-label": "Busy" }, ...busy(member)),
    cell("Heard", heard(member.last_seen_s), { class: "number" }),
  );
}

function busy(member) {
  if (member.busy === null) return [document.createTextNode("–")];
  const bar = make("i");
  bar.style.width = `${100 * member.busy}%`; // through CSSOM, which the CSP allows
  return [
    make("span", { class: "meter", "aria-hidden": "true" }, bar),
    document.createTextNode(percent(member.busy)),
  ];
}

function heard(seconds) {
  if (seconds === null) return "–";
  if (seconds < 1.5) return "now";
  return seconds < 120 ? `${Math.round(seconds)} s ago` : `${Math.round(seconds / 60)} min ago`;
}

function showFooter(cluster) {
  const counted = [`${cluster.answered.toLocaleString()} images answered since this page's server started`];
  if (cluster.failed) counted.push(`${cluster.failed.toLocaleString()} errors`);
  if (cluster.unreadable) counted.push(`${cluster.unreadable} messages that could not be read`);
  setText(find("footer"), `${counted.join(", ")}.`);
}

/** Leaves what is there alone where nothing is new: selections and screen readers stay. */
function replaceIfChanged(parent, children) {
  const fresh = document.createElement(parent.tagName);
  fresh.append(...children);
  if (parent.innerHTML !== fresh.innerHTML) parent.replaceChildren(...children);
}
