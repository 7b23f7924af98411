// Drawing a digit, or choosing a file, and what the cluster makes of it.

import { find, listed, make, milliseconds, percent } from "./dom.js";
import { className } from "./model.js";
import { post } from "./post.js";
import { toneOfSubnetwork } from "./tones.js";

const PEN = 34; // of 448 pixels: scaled to MNIST's 20 it is about as thick as its strokes
const LIFTED_MS = 450; // digits of several strokes: ask when no other follows
const MOST_BARS = 12;

let context;
let file = null; // what was chosen or dropped; null while the drawing counts
let isEmpty = true;
let timer = 0;
let asked = 0;

export function startAsking() {
  const canvas = find("canvas");
  context = canvas.getContext("2d", { willReadFrequently: true });
  clear();
  listenToPen(canvas);
  listenToFiles();
  find("send").addEventListener("click", send);
  find("clear").addEventListener("click", () => {
    clear();
    forgetAnswer();
  });
}

function listenToPen(canvas) {
  let last = null;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    const scale = canvas.width / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    clearTimeout(timer);
    if (file !== null) clear();
    canvas.setPointerCapture(event.pointerId);
    last = at(event);
    stroke(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (last === null) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) {
      const next = at(each);
      stroke(last, next);
      last = next;
    }
  });
  const lift = () => {
    if (last === null) return;
    last = null;
    timer = setTimeout(send, LIFTED_MS);
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
}

function stroke(from, to) {
  context.strokeStyle = "#fff";
  context.lineWidth = PEN;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
  setEmpty(false);
}

function listenToFiles() {
  const input = find("file");
  input.addEventListener("change", () => {
    if (input.files.length) take(input.files[0]);
    input.value = ""; // so that the same file can be chosen again
  });
  const section = find("ask");
  section.addEventListener("dragover", (event) => {
    event.preventDefault();
    section.classList.add("over");
  });
  section.addEventListener("dragleave", () => section.classList.remove("over"));
  section.addEventListener("drop", (event) => {
    event.preventDefault();
    section.classList.remove("over");
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
}

async function take(chosen) {
  clear();
  file = chosen;
  setEmpty(false);
  send();
  try {
    const picture = await createImageBitmap(chosen);
    if (file !== chosen) return; // cleared meanwhile, or another was chosen
    const scale = Math.min(context.canvas.width / picture.width, context.canvas.height / picture.height);
    const [width, height] = [picture.width * scale, picture.height * scale];
    context.imageSmoothingEnabled = scale < 4; // few pixels are shown as they are
    context.drawImage(picture, (context.canvas.width - width) / 2, (context.canvas.height - height) / 2, width, height);
  } catch {
    // Not a picture that a browser can show, such as .npy: the cluster judges it.
  }
}

function clear() {
  clearTimeout(timer);
  file = null;
  context.fillStyle = "#000";
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  setEmpty(true);
}

function setEmpty(value) {
  isEmpty = value;
  find("pad-hint").hidden = !value;
  find("send").setAttribute("aria-disabled", String(value));
}

async function send() {
  clearTimeout(timer);
  if (isEmpty) return;
  const number = ++asked;
  const kind = file === null ? "drawing" : "file";
  const body = file ?? (await new Promise((resolve) => context.canvas.toBlob(resolve, "image/png")));
  const patience = setTimeout(() => say("asking …", number), 600);
  try {
    const told = await post(`/api/answer?kind=${kind}`, body);
    if (number !== asked) return; // another was asked for since
    if (told.error) fail(told.error.message);
    else showAnswer(told);
  } catch (problem) {
    if (number === asked) fail(problem.message);
  } finally {
    clearTimeout(patience);
  }
}

function say(text, number) {
  if (number === asked) find("answer-text").textContent = text;
}

function showAnswer(told) {
  const tone = toneOfSubnetwork(told.subnetwork);
  const name = find("answer-class");
  name.hidden = false;
  name.className = `answer-class ${tone}${told.class.length > 2 ? " word" : ""}`;
  name.textContent = told.class;
  const text = find("answer-text");
  text.classList.remove("failed");
  const together = told.devices.length > 1 ? " together" : "";
  const degraded = told.degraded ? " A device did not answer in time." : "";
  text.replaceChildren(
    make("span", { class: "unseen", text: `It is ${told.class}: ` }),
    make("b", { text: sureness(told.confidence) }),
    `${listed(told.devices)}${together}, sub-network ${told.subnetwork}, in ${milliseconds(told.latency_ms)}.${degraded}`,
  );
  showBars(told, tone);
  const seen = find("seen");
  seen.hidden = told.sent === null;
  if (told.sent !== null) find("seen-image").src = `data:image/png;base64,${told.sent}`;
}

function sureness(confidence) {
  return confidence >= 0.9995 ? "more than 99.9\u00a0% sure" : `${percent(confidence, 1)} sure`;
}

function showBars({ probabilities, label }, tone) {
  const bars = find("bars");
  bars.hidden = !probabilities;
  if (!probabilities) return;
  const shown = probabilities
    .map((probability, index) => ({ probability, index }))
    .sort((one, other) => other.probability - one.probability)
    .slice(0, MOST_BARS)
    .sort((one, other) => one.index - other.index);
  bars.setAttribute("aria-label", "How likely each class is");
  bars.replaceChildren(...shown.map(({ probability, index }) => {
    const column = make("i", { "aria-hidden": "true" });
    column.style.height = `${Math.round(probability * 52)}px`; // through CSSOM, as the CSP allows
    return make(
      "li",
      { class: `bar ${tone}${index === label ? " best" : ""}`, title: percent(probability, 1) },
      column,
      make("span", { text: className(index) }),
      make("span", { class: "unseen", text: `: ${percent(probability, 1)}` }),
    );
  }));
}

function fail(message) {
  forgetAnswer();
  const text = find("answer-text");
  text.classList.add("failed");
  text.textContent = `No answer: ${message}.`.replace(/([.?])\.$/, "$1");
  find("answer-class").hidden = true;
}

function forgetAnswer() {
  asked += 1;
  const name = find("answer-class");
  name.hidden = false;
  name.className = "answer-class";
  name.textContent = "?";
  const text = find("answer-text");
  text.classList.remove("failed");
  text.textContent = "The devices answer as soon as you lift the pen.";
  find("bars").hidden = true;
  find("seen").hidden = true;
}
