// The page that stands in for a question while there is no connection. It is made from the
// kept questions; answers go to the queue on this phone and nowhere else.

import { answering } from "./answering.js";
import { show } from "./banner.js";
import * as queue from "./queue.js";
import { scale } from "./scale.js";
import { flush, keepTrying } from "./sender.js";
import { SHELF } from "./shelf.js";
import { fill, words } from "./words.js";

const main = document.getElementById("offline");
const template = document.getElementById("question-template");
const fromReview = new URLSearchParams(location.search).get("review") === "1";
// The button of a form that could not be sent; pressed once, however often the page is loaded.
const said = new URLSearchParams(location.hash.slice(1)).get("go");
const pressed = ["next", "back", "skip"].find((go) => go === said);
// Where the real page is. Opened under its own address, this page stands in for none.
const asked = location.pathname + location.search;
const here = location.pathname === "/offline" ? "/home" : asked;
history.replaceState(null, "", asked);
let leaving = false;

async function sheetOf(path) {
  const ref = path.split("/")[2];
  const kept = await caches.open(SHELF).then((shelf) => shelf.match(`/q/${ref}/sheet`));
  return kept ? { ref, ...(await kept.json()) } : null;
}

// What this phone knows of the answers: by "instrument/item" the values not sent yet, and the
// events of those that are saved, whose values are no longer here; by instrument the counter.
async function knowledge(sheet) {
  const unsent = (await queue.all()).filter((one) => one.ref === sheet.ref);
  const marks = await queue.acknowledged(sheet.ref);
  const values = new Map(unsent.map((one) => [`${one.instrument}/${one.item}`, one.value]));
  const saved = new Map(Object.entries(sheet.saved ?? {}));
  for (const [place, mark] of marks) saved.set(place, mark.event_id);
  const revision = (instrument) => {
    const mine = (one) => one.instrument === instrument;
    const counters = unsent.filter(mine).map((one) => one.counter);
    const revisions = [...marks.values()].filter(mine).map((one) => one.revision);
    return Math.max(sheet.revisions[instrument] ?? 0, ...counters, ...revisions);
  };
  return { values, saved, revision };
}

const keyOf = (screen) => `${screen.instrument}/${screen.item}`;

function isDone(screen, { values, saved }) {
  return values.has(keyOf(screen)) || saved.has(keyOf(screen));
}

function isAsked(screen, known) {
  if (!screen.asked_if) return true;
  const before = `${screen.instrument}/${screen.asked_if.item}`;
  if (known.values.has(before)) return known.values.get(before) > screen.asked_if.over;
  // What decides was saved and is not here; that it was asked shows by its answer.
  return isDone(screen, known);
}

function option(code, label, chosen) {
  const row = document.createElement("div");
  const input = document.createElement("input");
  const text = document.createElement("label");
  row.className = "option";
  Object.assign(input, { type: "radio", id: `answer-${code}`, name: "answer", value: code });
  input.checked = chosen;
  Object.assign(text, { htmlFor: input.id, textContent: label });
  row.append(input, text);
  return row;
}

function box(screen, chosen) {
  const part = document.createElement("div");
  part.className = "scale-and-box";
  part.innerHTML =
    '<div class="scale" id="scale" hidden></div><div class="scale-side"><p class="scale-end"></p>' +
    '<div class="scale-box"><label class="field-hint" for="answer"></label>' +
    '<input id="answer" name="answer" inputmode="numeric" maxlength="4" placeholder=" " autocomplete="off"></div>' +
    '<p class="scale-end"></p></div>';
  const [high, low] = part.querySelectorAll(".scale-end");
  high.textContent = screen.high ?? "";
  low.textContent = screen.low ?? "";
  part.querySelector("label").textContent = fill(words.number, screen);
  part.querySelector("input").value = chosen ?? "";
  return part;
}

function draw(sheet, screen, known) {
  const chosen = known.values.get(keyOf(screen));
  const part = template.content.cloneNode(true);
  const asked = sheet.screens.filter((one) => one === screen || isAsked(one, known));
  const done = asked.filter((one) => isDone(one, known));
  const number = fill(words.question, { number: asked.indexOf(screen) + 1, of: asked.length });
  document.querySelector(".top-name").textContent = sheet.title;
  part.querySelector(".progress label").textContent = number;
  Object.assign(part.querySelector("progress"), { value: done.length, max: asked.length });
  part.querySelector(".recall").textContent = screen.recall ?? "";
  part.querySelector(".prompt").textContent = screen.prompt;
  part.querySelector(".stand-in").hidden = !screen.stand_in;
  const field = part.querySelector("fieldset");
  if (screen.options) {
    field.classList.toggle("options-many", screen.options.length > 5);
    field.append(...screen.options.map(([code, label]) => option(code, label, code === chosen)));
  } else {
    field.append(box(screen, chosen));
  }
  main.replaceChildren(part);
  document.title = number;
}

async function question(sheet, at) {
  const screen = sheet.screens[at];
  const key = keyOf(screen);
  const known = await knowledge(sheet);
  const entries = await queue.of({ ref: sheet.ref, ...screen });
  // From here on nothing waits: what is drawn is listened to before anybody can touch it.
  draw(sheet, screen, known);
  const form = document.getElementById("question");
  const { give, takeUp } = answering({
    save: `/q/${sheet.ref}/answers`,
    ref: sheet.ref,
    instrument: screen.instrument,
    item: screen.item,
    revision: known.revision(screen.instrument),
    base: known.saved.get(key) ?? null,
    shown_at: new Date().toISOString(),
  });
  if (!takeUp(entries) && known.saved.has(key)) sayEarlier();
  const read = listenTo(form, screen, (value) => {
    if (known.values.get(key) === value) return;
    known.values.set(key, value);
    give("ANSWERED", value);
  });

  function step(go) {
    const message = go === "next" ? lacking(form, screen, known, read) : null;
    if (message) return ask(form, message);
    if (go === "skip" && known.values.get(key) !== null) {
      known.values.set(key, null);
      give("SKIPPED", null);
    }
    return move(sheet, at, go, known);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    step(event.submitter?.value ?? "next");
  });
  if (pressed) step(pressed);
}

// What is to be said before one can go on; null if nothing.
function lacking(form, screen, known, read) {
  const written = read && form.elements.answer.value.trim();
  if (written && read() === null) return fill(words.range, screen);
  const emptied = written === "" && known.values.get(keyOf(screen)) != null;
  return !emptied && isDone(screen, known) ? null : words.unanswered;
}

// Calls back with each answer; returns how to read a scale, null for rows.
function listenTo(form, screen, settle) {
  const place = document.getElementById("scale");
  if (!place) {
    form.addEventListener("change", (event) => settle(Number(event.target.value)));
    return null;
  }
  const read = scale(place, form.elements.answer, screen.first, screen.last, () => {
    if (read() !== null) settle(read());
  });
  return read;
}

function sayEarlier() {
  const line = document.getElementById("saving");
  line.dataset.state = "saved";
  line.textContent = words.earlier;
}

function ask(form, text) {
  const message = form.querySelector("#answer-error");
  message.textContent = text;
  message.dataset.until = text === words.unanswered ? "chosen" : "";
  message.hidden = false;
  form.querySelector("[value=skip]").hidden = text !== words.unanswered;
}

async function move(sheet, at, go, known) {
  const by = go === "back" ? -1 : 1;
  let next = at + by;
  while (sheet.screens[next] && !isAsked(sheet.screens[next], known)) next += by;
  const onward = sheet.screens[next]?.path ?? (by > 0 ? sheet.review : sheet.screens[0].path);
  leaving = true;
  await queue.all(); // waits until the last answer is on the phone
  if (!queue.isKept()) {
    leaving = false;
    return ask(document.getElementById("question"), words.notyetkept);
  }
  // In the place of this page, if it was only passed through: Back must not lead here again.
  const leave = pressed ? "replace" : "assign";
  location[leave](fromReview ? sheet.review : onward);
}

function say(heading, text) {
  main.querySelector("h1").textContent = heading;
  main.querySelector("p").textContent = text;
}

async function begin() {
  const sheet = await sheetOf(location.pathname).catch(() => null);
  const at = sheet?.screens.findIndex((one) => one.path === location.pathname) ?? -1;
  if (at >= 0) return question(sheet, at);
  if (sheet && location.pathname === sheet.review) return say(words.offlineend, words.offlinewait);
  if (pressed) return say(words.notyet, words.notyetwait);
}

// As soon as there is a connection the real page is better. The browser's word for it is not
// taken: it says "online" also when a page begins without a connection. And a step that has
// begun is never called back.
async function back() {
  await flush();
  if (leaving || !(await reachable())) return;
  document.activeElement?.blur(); // a number that is still being written is an answer too
  await queue.all();
  await flush();
  if (!leaving) location.replace(here);
}

async function reachable() {
  try {
    const reply = await fetch(here, { method: "HEAD", redirect: "manual" });
    return reply.status < 500;
  } catch {
    return false;
  }
}

// Out of the browser's memory, where it had been left for another page.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

begin().then(show).then(() => {
  keepTrying(back);
  back();
});
