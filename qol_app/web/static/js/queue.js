// Answers the server does not have yet: a handful of codes, kept for a day at most.
//
// A seat-belt, not a store. Where the browser gives no database the queue lives as long as
// the page does, and the page's own form still sends every answer.

const NAME = "qol";
const STORE = "unsent";
const DAY_MS = 24 * 3600 * 1000;

let opened;
let spare = [];

function open() {
  opened ??= new Promise((resolve) => {
    try {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () =>
        request.result.createObjectStore(STORE, { keyPath: "order", autoIncrement: true });
      request.onsuccess = () => {
        // iOS closes the connection under memory pressure; open it anew next time.
        request.result.onclose = () => { opened = undefined; };
        resolve(request.result);
      };
      request.onerror = () => resolve(null);
      request.onblocked = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
  return opened;
}

async function run(mode, work) {
  const database = await open();
  if (!database) return undefined;
  return new Promise((resolve) => {
    try {
      const transaction = database.transaction(STORE, mode);
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onerror = transaction.onabort = () => resolve(undefined);
    } catch {
      opened = undefined;
      resolve(undefined);
    }
  });
}

export async function put(entry) {
  const dated = { ...entry, kept_at: Date.now() };
  const order = await run("readwrite", (store) => store.add(dated));
  if (order === undefined) spare.push(dated);
}

export async function all() {
  const kept = (await run("readonly", (store) => store.getAll())) ?? [];
  const whole = [...kept, ...spare];
  const old = whole.filter((one) => Date.now() - one.kept_at > DAY_MS);
  for (const one of old) await remove(one.event_id);
  return whole.filter((one) => !old.includes(one));
}

export async function remove(eventId) {
  spare = spare.filter((one) => one.event_id !== eventId);
  const kept = (await run("readonly", (store) => store.getAll())) ?? [];
  for (const one of kept) {
    if (one.event_id === eventId) await run("readwrite", (store) => store.delete(one.order));
  }
}

export async function clear() {
  spare = [];
  await run("readwrite", (store) => store.clear());
}
