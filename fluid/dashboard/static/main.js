// The page's one connection: everything at first, then the news. The browser connects again by
// itself, and is told everything again then.

import { startAsking } from "./ask.js";
import { showCharts } from "./charts.js";
import { showCluster } from "./cluster.js";
import { find, setText } from "./dom.js";
import { continueLog, startLog } from "./log.js";
import { startModes } from "./mode.js";
import { learnModel } from "./model.js";

const HISTORY_S = 300;
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

function listen() {
  const stream = new EventSource("/api/stream");
  stream.addEventListener("everything", ({ data }) => {
    const told = JSON.parse(data);
    ticks = [];
    startLog(told.happenings);
    show(told);
  });
  stream.addEventListener("news", ({ data }) => {
    const told = JSON.parse(data);
    continueLog(told.happenings);
    show(told);
  });
  stream.addEventListener("error", () => {
    const link = find("link");
    link.dataset.state = "gone";
    setText(link, "this page's server does not answer; trying again");
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  });
}

startModes();
startAsking();
listen();
