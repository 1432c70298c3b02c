// Notices on this phone: offered where phone and installation can, asked for only on a tap.

const section = document.getElementById("phone");
const [on, off] = ["phone-on", "phone-off"].map((id) => document.getElementById(id));
const PATIENCE_MS = 20_000;
const { worker, key, mark } = section.dataset;

// Shows what belongs to a state; each part of the section names the states it belongs to.
function show(...states) {
  for (const part of section.querySelectorAll("[data-when]")) {
    part.hidden = !part.dataset.when.split(" ").some((one) => states.includes(one));
  }
  section.hidden = false;
}

async function own() {
  const registration = await navigator.serviceWorker.getRegistration("/");
  return registration?.pushManager.getSubscription();
}

// Where the notices go, as far as this phone can tell: it knows its own subscription by its mark.
async function where() {
  if (!mark) return "nowhere";
  const subscription = await own();
  return subscription && (await markOf(subscription.endpoint)) === mark ? "here" : "elsewhere";
}

async function markOf(endpoint) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
  return Array.from(new Uint8Array(digest), (one) => one.toString(16).padStart(2, "0")).join("");
}

function bytesOf(base64url) {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (one) => one.charCodeAt(0));
}

async function subscribe() {
  await navigator.serviceWorker.register(worker);
  const registration = await navigator.serviceWorker.ready;
  // One phone, one person: what was another's on it before, or made with another key, ends.
  await (await own())?.unsubscribe();
  return registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: bytesOf(key),
  });
}

function tooLong() {
  return new Promise((_, fail) => {
    setTimeout(() => fail(new Error("the phone does not answer")), PATIENCE_MS);
  });
}

on.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = on.querySelector("button");
  button.disabled = true;
  // Before anything else that takes time: a phone asks only right after a tap.
  const permission = await Notification.requestPermission();
  const state = await where();
  try {
    if (permission !== "granted") return show(state, "denied");
    const subscription = await Promise.race([subscribe(), tooLong()]);
    on.elements.subscription.value = JSON.stringify(subscription);
    on.submit();
  } catch {
    show(state, "failed");
  } finally {
    button.disabled = false;
  }
});

off.addEventListener("submit", async (event) => {
  event.preventDefault();
  await own().then((one) => one?.unsubscribe()).catch(() => {});
  off.submit();
});

if ("serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis) {
  where().then(show);
}
