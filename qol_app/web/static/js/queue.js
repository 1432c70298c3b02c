// Answers the server does not have yet: a handful of codes, kept for a day at most.
//
// A seat-belt, not a store. Where the browser gives no database the queue lives as long as
// the page does, and the page's own form still sends every answer.

import "./database.js";

const run = globalThis.qolDatabase;
const DAY_MS = 24 * 3600 * 1000;

let spare = [];

const isOld = (one) => Date.now() - one.kept_at > DAY_MS;

export async function put(entry) {
  const dated = { ...entry, kept_at: Date.now() };
  const order = await run("unsent", "readwrite", (store) => store.add(dated));
  if (order === undefined) spare.push(dated);
}

// Whether the unsent answers outlast this page.
export const isKept = () => spare.length === 0;

export async function all() {
  const kept = (await run("unsent", "readonly", (store) => store.getAll())) ?? [];
  const whole = [...kept, ...spare];
  for (const one of whole.filter(isOld)) await remove(one.event_id);
  return whole.filter((one) => !isOld(one));
}

// What is unsent of one question, oldest first.
export async function of({ ref, instrument, item }) {
  const mine = (one) => one.ref === ref && one.instrument === instrument && one.item === item;
  return (await all()).filter(mine);
}

export async function remove(eventId) {
  spare = spare.filter((one) => one.event_id !== eventId);
  const kept = (await run("unsent", "readonly", (store) => store.getAll())) ?? [];
  for (const one of kept) {
    if (one.event_id === eventId) {
      await run("unsent", "readwrite", (store) => store.delete(one.order));
    }
  }
}

// The server has it: from now on the phone knows that it was answered, no longer what.
export async function acknowledge(entry, revision) {
  const { ref, instrument, item, event_id } = entry;
  const place = `${ref}/${instrument}/${item}`;
  const mark = { place, instrument, event_id, revision, kept_at: Date.now() };
  await run("saved", "readwrite", (store) => store.put(mark));
  await remove(event_id);
}

// The marks of one assessment by "instrument/item".
export async function acknowledged(ref) {
  const marks = (await run("saved", "readonly", (store) => store.getAll())) ?? [];
  for (const one of marks.filter(isOld)) {
    await run("saved", "readwrite", (store) => store.delete(one.place));
  }
  const mine = marks.filter((one) => one.place.startsWith(`${ref}/`) && !isOld(one));
  return new Map(mine.map((one) => [one.place.slice(ref.length + 1), one]));
}

// Of these assessments nothing stays here.
export async function forget(refs) {
  for (const one of (await all()).filter(({ ref }) => refs.includes(ref))) {
    await remove(one.event_id);
  }
  const marks = (await run("saved", "readonly", (store) => store.getAll())) ?? [];
  for (const { place } of marks.filter((one) => refs.includes(one.place.split("/")[0]))) {
    await run("saved", "readwrite", (store) => store.delete(place));
  }
}
