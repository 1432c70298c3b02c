// Keeps the open questionnaire usable without a connection. Kept are styles, scripts, the page
// that stands in for a question, and (by the page itself) the questions; never a page that
// shows an answer. An answer whose form could not be sent goes to the pages' own queue.

const RELEASE = new URL(self.location).searchParams.get("v");
const FILES = `qol-files-${RELEASE}`;
const SHELF = "qol-open";
const STAND_IN = "/offline";
const BASE = `/static/v-${RELEASE}/`;
const NEEDED = [
  "app.css", "icon.svg", "js/offline.js", "js/answering.js", "js/banner.js", "js/database.js",
  "js/queue.js", "js/scale.js", "js/sender.js", "js/shelf.js", "js/words.js",
];
// A phone in a lift may wait for minutes; the page that stands in is there at once.
const PATIENCE_MS = 12_000;
const BUSY = [502, 503, 504];

importScripts(`${BASE}js/database.js`);

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const files = await caches.open(FILES);
    await files.addAll([STAND_IN, ...NEEDED.map((name) => BASE + name)]);
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name !== FILES && name !== SHELF) await caches.delete(name);
    }
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (url.pathname.startsWith(BASE)) event.respondWith(file(request));
  else if (request.mode === "navigate" && /^\/(q\/|home$)/.test(url.pathname)) {
    event.respondWith(page(request, url));
  }
});

// What a notice says was written by the study's own templates; a tap opens the link behind it.
// A newer one takes the place of an older one, since both ask for the same.
self.addEventListener("push", (event) => {
  const { title, body, language, url } = event.data.json();
  event.waitUntil(self.registration.showNotification(title, {
    body,
    lang: language,
    icon: `${BASE}icon.svg`,
    tag: "reminder",
    renotify: true,
    data: url,
  }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(event.notification.data));
});

async function file(request) {
  return (await caches.match(request)) ?? fetch(request);
}

async function page(request, url) {
  const posted = request.method === "POST" ? request.clone() : null;
  try {
    return await answered(request);
  } catch (error) {
    if (posted) return instead(posted, url);
    const standIn = await caches.match(STAND_IN);
    if (!standIn) throw error;
    return standIn;
  }
}

async function answered(request) {
  const late = new Promise((_, fail) => {
    setTimeout(() => fail(new Error("no answer in time")), PATIENCE_MS);
  });
  const response = await Promise.race([fetch(request), late]);
  if (BUSY.includes(response.status)) throw new Error("the server is busy");
  return response;
}

// What a form leads to that could not be sent. What was pressed stands in the part of the address
// that never leaves the phone; what was chosen does not stand in an address at all.
async function instead(request, url) {
  const [, , ref, instrument, item] = url.pathname.split("/");
  if (instrument === "submit") return Response.redirect(`/q/${ref}/review`, 303);
  if (!item) return Response.redirect("/home", 303);
  const data = await request.formData().catch(() => new FormData());
  const go = data.get("go") ?? "next";
  const isKept = await keep(data, go, { ref, instrument, item });
  // Nothing to keep it in: the page stays as it is, with what was chosen.
  if (!isKept) return new Response(null, { status: 204 });
  return Response.redirect(`${url.pathname}${url.search}#go=${encodeURIComponent(go)}`, 303);
}

async function keep(data, go, { ref, instrument, item }) {
  const value = go === "skip" ? null : await valueOf(data.get("answer"), { ref, instrument, item });
  if (value === undefined) return true;
  const order = await globalThis.qolDatabase("unsent", "readwrite", (store) => store.add({
    save: `/q/${ref}/answers`,
    ref,
    instrument,
    item,
    status: go === "skip" ? "SKIPPED" : "ANSWERED",
    value,
    event_id: data.get("event_id"),
    counter: Number(data.get("counter")),
    base: data.get("base") ?? "",
    shown_at: data.get("shown_at"),
    client_at: new Date().toISOString(),
    kept_at: Date.now(),
  }));
  return order !== undefined;
}

// The code that was chosen, as far as the phone can tell.
async function valueOf(text, { ref, instrument, item }) {
  if (!/^\d{1,4}$/.test(text ?? "")) return undefined;
  const value = Number(text);
  const sheet = await caches.match(`/q/${ref}/sheet`).then((kept) => kept?.json());
  const screen = sheet?.screens.find((one) => one.instrument === instrument && one.item === item);
  if (!screen) return value; // the server will say
  const there = screen.options
    ? screen.options.some(([code]) => code === value)
    : value >= screen.first && value <= screen.last;
  return there ? value : undefined;
}
