// The page's one connection: everything at first, then the news. The browser connects again by
// itself, and is told everything again then.
//
// A browser opens no more than six connections to one server, for all its tabs together: where each
// is held by a page, nothing else gets through. So a page that nobody sees holds none.

import { startAsking } from "./ask.js";
import { showCharts } from "./charts.js";
import { showCluster } from "./cluster.js";
import { find, setText } from "./dom.js";
import { continueLog, startLog } from "./log.js";
import { startModes } from "./mode.js";
import { learnModel } from "./model.js";

const HISTORY_S = 300;
const NO_ANSWER = "this page's server does not answer";
let ticks = [];

function show({ at, cluster, ticks: fresh }) {
  ticks = ticks.concat(fresh).filter((tick) => tick.at >= at - HISTORY_S - 1);
  learnModel(cluster.model);
  showCluster(cluster);
  showCharts(ticks, at, cluster);
  showLink(cluster.trouble ? "gone" : cluster.known ? "live" : "connecting", cluster);
}

function showLink(state, cluster) {
  const link = find("link");
  link.dataset.state = state;
  const words = { live: "live from", gone: "no answer from", connecting: "connecting to" };
  setText(link, `${words[state]} ${cluster.broker}`);
}

let stream = null;
let again = 0;

function listen() {
  hush();
  const opened = new EventSource("/api/stream");
  stream = opened;
  opened.addEventListener("everything", ({ data }) => {
    const told = JSON.parse(data);
    ticks = [];
    startLog(told.happenings);
    show(told);
  });
  opened.addEventListener("news", ({ data }) => {
    const told = JSON.parse(data);
    continueLog(told.happenings);
    show(told);
  });
  opened.addEventListener("error", async () => {
    // Only where it was refused the browser does not try again, and does not say why.
    const isRefused = opened.readyState === EventSource.CLOSED;
    const why = isRefused ? await refusal() : NO_ANSWER;
    if (stream !== opened) return; // hushed meanwhile
    if (why !== null) {
      const link = find("link");
      link.dataset.state = "gone";
      setText(link, `${why}; trying again`);
    }
    if (isRefused) again = setTimeout(listen, 3000);
  });
}

function hush() {
  clearTimeout(again);
  stream?.close();
  stream = null;
}

/** Why there is no stream; null if there is one by now. */
async function refusal() {
  const enough = new AbortController();
  try {
    const response = await fetch("/api/stream", { signal: enough.signal });
    return response.ok ? null : (await response.json()).error.message;
  } catch {
    return NO_ANSWER;
  } finally {
    enough.abort();
  }
}

function listenWhileSeen() {
  if (document.visibilityState === "hidden") hush();
  else listen();
}

startModes();
startAsking();
document.addEventListener("visibilitychange", listenWhileSeen);
listenWhileSeen();
