// Keeps the open questionnaire usable without a connection. Kept are styles, scripts, the page
// that stands in for a question, and (by the page itself) the questions; never an answer, and
// never a page that shows one.

const RELEASE = new URL(self.location).searchParams.get("v");
const FILES = `qol-files-${RELEASE}`;
const SHELF = "qol-open";
const STAND_IN = "/offline";
const BASE = `/static/v-${RELEASE}/`;
const NEEDED = [
  "app.css", "icon.svg", "js/offline.js", "js/answering.js", "js/banner.js", "js/queue.js",
  "js/scale.js", "js/sender.js", "js/shelf.js", "js/words.js",
];

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
  else if (request.mode === "navigate" && url.pathname.startsWith("/q/")) {
    event.respondWith(page(request, url));
  }
});

async function file(request) {
  return (await caches.match(request)) ?? fetch(request);
}

async function page(request, url) {
  const posted = request.method === "POST" ? request.clone() : null;
  try {
    return await fetch(request);
  } catch (error) {
    if (posted) return Response.redirect(url.pathname + (await wish(posted)), 303);
    const standIn = await caches.match(STAND_IN);
    if (!standIn) throw error;
    return standIn;
  }
}

// After a form that could not be sent: what was pressed and chosen, in the part of an address
// that never leaves the phone. The answer itself is in the page's queue already.
async function wish(request) {
  const data = await request.formData().catch(() => new FormData());
  const said = new URLSearchParams({ go: data.get("go") ?? "next" });
  if (/^\d{1,4}$/.test(data.get("answer") ?? "")) said.set("answer", data.get("answer"));
  return `#${said}`;
}
