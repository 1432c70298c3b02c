// The service worker, and the open questionnaire's questions for when there is no connection.
// Questions only: no answer is ever put there.

import { words } from "./words.js";

export const SHELF = "qol-open";
const DAY_MS = 24 * 3600 * 1000;

export async function keep(sheet) {
  if (!("serviceWorker" in navigator) || !("caches" in globalThis)) return;
  try {
    await navigator.serviceWorker.register(words.worker);
    const shelf = await caches.open(SHELF);
    const kept = await shelf.match(sheet);
    const age = kept ? Date.now() - Date.parse(kept.headers.get("Date") ?? 0) : Infinity;
    if (age > DAY_MS) await shelf.add(sheet);
  } catch {
    // Without it everything works as long as there is a connection.
  }
}

export async function takeDown(refs) {
  if (!("caches" in globalThis)) return;
  const shelf = await caches.open(SHELF).catch(() => null);
  for (const ref of shelf ? refs : []) await shelf.delete(`/q/${ref}/sheet`);
}
