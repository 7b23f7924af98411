// Have pictures classified from Node.js, with MQTT.js alone: nothing of ours is needed.
//
//   npm install
//   node classify.mjs one.jpg two.jpg
//   FLUID_BROKER=mqtts://camera:secret@192.168.1.10 NODE_EXTRA_CA_CERTS=ca.crt node classify.mjs one.jpg
//
// Prints a line of JSON for each picture. Exit status: 0 if each has its class, 1 if not.

import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import process from "node:process";
import mqtt from "mqtt";

const TIMEOUT_MS = 30_000;
const images = process.argv.slice(2);
if (images.length === 0) {
  console.error("Usage: node classify.mjs IMAGE...");
  process.exit(2);
}

const url = process.env.FLUID_BROKER ?? "mqtt://127.0.0.1:1883";
// Users of a secured broker may read answers below their own name alone.
const user = decodeURIComponent(new URL(url).username) || "nodejs";
const answers = `fluid/result/${user}/${randomUUID()}`;

// What was asked and is not answered: by the request's id, what takes the answer.
const waiting = new Map();

/** Publish a picture, and wait for the cluster's answer to it. */
async function classify(client, image) {
  const payload = await readFile(image);
  const id = randomUUID();
  let timer;
  const answer = new Promise((resolve, reject) => {
    waiting.set(id, resolve);
    timer = setTimeout(
      () => reject(new Error(`no answer within ${TIMEOUT_MS / 1000} s; is a device online?`)),
      TIMEOUT_MS,
    );
  });
  try {
    // At QoS 1 MQTT.js publishes again after a lost connection; `fluid-unique` lets the cluster
    // answer both copies once.
    const published = client.publishAsync("fluid/infer", payload, {
      qos: 1,
      properties: {
        responseTopic: answers,
        correlationData: Buffer.from(id),
        userProperties: { "fluid-unique": "1" },
      },
    });
    await Promise.race([published, answer]);
    return await answer;
  } finally {
    clearTimeout(timer);
    waiting.delete(id);
  }
}

async function main() {
  let client;
  try {
    client = await mqtt.connectAsync(url, { protocolVersion: 5, connectTimeout: 5_000 }, false);
  } catch (error) {
    console.error(`error: cannot connect to the broker: ${error.message || error.code}`);
    return 1;
  }
  client.on("error", (error) => console.error(`warning: ${error.message}`)); // it connects again
  client.on("message", (_topic, payload, packet) => {
    const id = packet.properties?.correlationData?.toString();
    waiting.get(id)?.(JSON.parse(payload.toString())); // a second answer finds nobody
  });
  let failed = false;
  try {
    await client.subscribeAsync(answers, { qos: 1 });
    await Promise.all(
      images.map(async (image) => {
        try {
          const answer = await classify(client, image);
          failed ||= answer.error !== undefined;
          console.log(JSON.stringify({ image, ...answer }));
        } catch (error) {
          failed = true;
          console.error(`error: ${image}: ${error.message}`);
        }
      }),
    );
  } finally {
    await client.endAsync();
  }
  return failed ? 1 : 0;
}

process.exitCode = await main();
