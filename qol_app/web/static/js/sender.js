// Sending what is unsent, in the order in which it was answered, each under its own id, so
// that sending again does no harm.

import * as queue from "./queue.js";

let running = null;
let again = false;

// What became of an answer, told to whoever listens: (entry, state, reply).
const listeners = new Set();

export function listen(listener) {
  listeners.add(listener);
}

function tell(entry, state, reply) {
  for (const listener of listeners) listener(entry, state, reply);
}

// Resolves to true when nothing is left unsent.
export function flush() {
  if (running) {
    again = true;
    return running;
  }
  running = alone(sendAll).finally(() => {
    running = null;
    if (again) {
      again = false;
      flush();
    }
  });
  return running;
}

// One tab at a time, where the browser can arrange that; the ids make it safe where not.
function alone(work) {
  return navigator.locks ? navigator.locks.request("qol-send", work) : work();
}

async function sendAll() {
  for (const entry of await queue.all()) {
    const going = await sendOne(entry);
    if (!going) return false;
  }
  return (await queue.all()).length === 0;
}

async function sendOne(entry) {
  const { save, kept_at, order, ref, ...body } = entry;
  tell(entry, "sent");
  let response;
  try {
    response = await fetch(save, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Requested-With": "qol" },
      body: JSON.stringify(body),
      credentials: "same-origin",
      keepalive: true,
    });
  } catch {
    tell(entry, "phone");
    return false;
  }
  const reply = await response.json().catch(() => ({}));
  return finish(entry, response.status, reply);
}

const OUTCOMES = { 200: "saved", 404: "refused", 409: "toolate", 422: "refused" };

async function finish(entry, status, reply) {
  const outcome = OUTCOMES[status];
  if (!outcome) {
    tell(entry, status === 401 ? "signedout" : "phone");
    return false;
  }
  await queue.remove(entry.event_id);
  tell(entry, outcome, reply);
  return true;
}

// Whatever may mean that there is a connection again.
export function keepTrying() {
  addEventListener("online", () => flush());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") flush();
  });
  return flush();
}
