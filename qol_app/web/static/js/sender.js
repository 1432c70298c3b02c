// Sending what is unsent, in the order in which it was answered, each under its own id, so
// that sending again does no harm.

import * as queue from "./queue.js";

const PATIENCE_MS = 20_000;
const EVERY_MS = 15_000;

let running = null;
let following = null;

// Answers that could not be sent so far, and why.
const waiting = new Map();

// Answers this session has no questionnaire for, as of somebody else who uses this phone. They
// are left for their owner.
const others = new Set();
export const isOurs = (entry) => !others.has(entry.event_id);

// What became of an answer, told to whoever listens: (entry, state, reply).
const listeners = new Set();

export function listen(listener) {
  listeners.add(listener);
}

function tell(entry, state, reply) {
  for (const listener of listeners) listener(entry, state, reply);
}

// Resolves to true when nothing of ours is left unsent of what was there when this was called.
export function flush() {
  if (!running) {
    running = alone(sendAll).finally(() => { running = null; });
    return running;
  }
  following ??= running.then(() => {
    following = null;
    return flush();
  });
  return following;
}

// One tab at a time, where the browser can arrange that; the ids make it safe where not.
function alone(work) {
  return navigator.locks ? navigator.locks.request("qol-send", work) : work();
}

// Also what is put there meanwhile; each once.
async function sendAll() {
  const tried = new Set();
  for (;;) {
    const entry = (await queue.all()).find((one) => !tried.has(one.event_id));
    if (!entry) return true;
    tried.add(entry.event_id);
    if (!(await sendOne(entry))) return false;
  }
}

async function sendOne(entry) {
  const { save, kept_at, order, ref, ...body } = entry;
  if (!waiting.has(entry.event_id)) tell(entry, "sent");
  let response;
  try {
    response = await fetch(save, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Requested-With": "qol" },
      body: JSON.stringify(body),
      credentials: "same-origin",
      keepalive: true,
      signal: AbortSignal.timeout?.(PATIENCE_MS),
    });
  } catch {
    return stays(entry);
  }
  const reply = await response.json().catch(() => ({}));
  return finish(entry, response.status, reply);
}

// Told once: trying again in vain is no news, and would be read aloud each time.
function stays(entry, state = "phone") {
  if (state !== waiting.get(entry.event_id)) tell(entry, state);
  waiting.set(entry.event_id, state);
  return false;
}

const OUTCOMES = { 200: "saved", 404: "refused", 409: "toolate", 422: "refused" };

async function finish(entry, status, reply) {
  const outcome = OUTCOMES[status];
  if (!outcome) return stays(entry, status === 401 ? "signedout" : "phone");
  if (outcome === "saved") await queue.acknowledge(entry, reply.revision);
  else if (status === 404) others.add(entry.event_id);
  else await queue.remove(entry.event_id);
  tell(entry, outcome, reply);
  return true;
}

// Whatever may mean that there is a connection again; and now and then without any sign of it.
export function keepTrying(attempt = flush) {
  addEventListener("online", () => attempt());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") attempt();
  });
  setInterval(() => attempt(), EVERY_MS);
  return flush();
}
