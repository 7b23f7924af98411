// Have pictures classified from Node.js, with MQTT.js alone: nothing of ours is needed.
//
//   npm install
//   node classify.mjs one.jpg two.jpg
//   FLUID_BROKER=mqtts://camera:secret@192.168.1.10 NODE_EXTRA_CA_CERTS=ca.crt node classify.mjs one.jpg
//
// FLUID_BROKER may name several brokers, with commas: the first that lets us in is asked.
// Prints a line of JSON for each picture. Exit status: 0 if each has its class, 1 if not, 2 if it
// was called wrongly.

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

/** The addresses in a text, in the order of preference. Throws for one that is malformed. */
function parseBrokers(text) {
  // A comma before another address; a password may have commas of its own.
  return text.trim().split(/[\s,]+(?=mqtts?:\/\/)/i).map((address) => {
    try {
      const url = new URL(address);
      if (!/^mqtts?:$/.test(url.protocol) || !/^[^,]+$/.test(url.hostname)) throw new Error();
      return { address, host: url.host, user: decodeURIComponent(url.username) };
    } catch {
      const shown = address.replace(/^(\w+:\/\/)?.*@/, "$1"); // without the password
      throw new Error(`broker address '${shown}' must look like mqtt://user:password@host:1883`);
    }
  });
}

let brokers;
try {
  brokers = parseBrokers(process.env.FLUID_BROKER ?? "mqtt://127.0.0.1:1883");
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exit(2);
}

// What was asked and is not answered: by the request's id, what takes the answer.
const waiting = new Map();

/** Connect to the first broker that lets us in, and stay there; null if none does. */
async function connect() {
  // One by one, not with the option `servers` of MQTT.js: its first attempt ends with the first
  // server; it has one user for all; and it goes on checking certificates for the first one's name.
  for (const [index, { address, host, user }] of brokers.entries()) {
    try {
      const options = { protocolVersion: 5, connectTimeout: 5_000 };
      return { client: await mqtt.connectAsync(address, options, false), user };
    } catch (error) {
      const severity = index + 1 < brokers.length ? "warning" : "error";
      console.error(`${severity}: cannot connect to ${host}: ${error.message || error.code}`);
    }
  }
  return null;
}

/** Publish a picture, and wait for the cluster's answers to it: a batch has several. */
async function classify(client, image, answers) {
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
    return parseAnswers(await answer);
  } finally {
    clearTimeout(timer);
    waiting.delete(id);
  }
}

/** What was said of each image: JSON has an object for one, a list for a batch. */
function parseAnswers(payload) {
  let answers;
  try {
    answers = [JSON.parse(payload.toString())].flat();
  } catch (error) {
    throw new Error(`the answer is no JSON: ${error.message}`);
  }
  const isAnswer = (each) => each?.class !== undefined || each?.error !== undefined;
  if (answers.length === 0 || !answers.every(isAnswer)) {
    throw new Error("the answer has neither a class nor an error");
  }
  return answers;
}

async function main() {
  const connection = await connect();
  if (connection === null) return 1;
  const { client, user } = connection;
  // Users of a secured broker may read answers below their own name alone.
  const answers = `fluid/result/${user || "nodejs"}/${randomUUID()}`;
  client.on("error", (error) => console.error(`warning: ${error.message}`)); // it connects again
  client.on("message", (_topic, payload, packet) => {
    const id = packet.properties?.correlationData?.toString();
    waiting.get(id)?.(payload); // a second answer finds nobody
  });
  let failed = false;
  try {
    await client.subscribeAsync(answers, { qos: 1 });
    await Promise.all(
      images.map(async (image) => {
        try {
          for (const answer of await classify(client, image, answers)) {
            failed ||= answer.error !== undefined;
            console.log(JSON.stringify({ image, ...answer }));
          }
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
