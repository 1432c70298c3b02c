// Every tap is put on this phone, sent, and called saved only when the server has said so.

import * as queue from "./queue.js";
import { flush, listen } from "./sender.js";
import { words } from "./words.js";

const SHOWN = { phone: "phone", sent: "sent", saved: "saved" };

export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

// question: { save, ref, instrument, item, revision, base, shown_at }
// field: how the next event is written back into the page's form, if it has one.
// Gives three functions: give(status, value) for a new answer; takeUp(entries) for those of this
// question that an earlier page put on the phone and the server does not have yet, saying
// whether the last of them is to be shown; renew() for an answer that the form itself will send.
export function answering(question, field = () => {}) {
  const line = document.getElementById("saving");
  const mine = new Set();
  let latest = null;

  function say(state, text) {
    line.dataset.state = SHOWN[state] ?? "";
    line.textContent = text;
  }

  listen((entry, state, reply) => {
    if (!mine.has(entry.event_id)) return;
    if (state === "saved") {
      question.revision = Math.max(question.revision, reply.revision);
      if (elsewhere(reply.conflict)) return;
    }
    if (entry.event_id !== latest) return;
    const text = state === "saved" && entry.status === "SKIPPED" ? words.skipped : words[state];
    say(state, text ?? words.phone);
  });

  function elsewhere(conflict) {
    if (!conflict || mine.has(conflict.event_id)) return false;
    // Next sends the choice once more, now knowing of the other answer.
    question.base = conflict.event_id;
    field(next());
    say("", words.elsewhere);
    return true;
  }

  function now(event) {
    latest = event.event_id;
    mine.add(event.event_id);
    field(event);
    question.revision = Math.max(question.revision, event.counter);
    question.base = event.event_id;
    say("phone", words.phone);
  }

  function next() {
    return { event_id: uuid(), counter: question.revision + 1, base: question.base };
  }

  async function give(status, value) {
    const event = { ...next(), client_at: new Date().toISOString() };
    now(event);
    const { save, ref, instrument, item, shown_at } = question;
    await queue.put({ save, ref, instrument, item, shown_at, status, value, ...event });
    return flush();
  }

  function takeUp(entries) {
    for (const one of entries) mine.add(one.event_id);
    const shown = entries.length > 0 && latest === null;
    if (shown) now(entries.at(-1));
    return shown;
  }

  return { give, takeUp, renew: () => field(next()) };
}
