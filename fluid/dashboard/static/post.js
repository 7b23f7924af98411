// What the page asks of its server.

// The server waits for 15 s itself; before that it may have to take in a large file, and to connect.
const PATIENCE_S = 30;

/** What the server says to it; fails with one sentence if it says nothing. */
export async function post(path, body) {
  try {
    const signal = AbortSignal.timeout(1000 * PATIENCE_S);
    const response = await fetch(path, { method: "POST", body, signal });
    return await response.json();
  } catch (problem) {
    throw new Error(
      problem.name === "TimeoutError"
        ? `the page's server did not answer within ${PATIENCE_S} s; is the page open in many windows?`
        : "the page's server does not answer",
    );
  }
}
