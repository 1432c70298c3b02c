// The page that stands in for a question while there is no connection. It is made from the
// kept questions; answers go to the queue on this phone and nowhere else.

import { answering } from "./answering.js";
import { show } from "./banner.js";
import * as queue from "./queue.js";
import { scale } from "./scale.js";
import { keepTrying, listen } from "./sender.js";
import { SHELF } from "./shelf.js";
import { fill, words } from "./words.js";

const main = document.getElementById("offline");
const template = document.getElementById("question-template");

async function sheetOf(path) {
  const ref = path.split("/")[2];
  const kept = await caches.open(SHELF).then((shelf) => shelf.match(`/q/${ref}/sheet`));
  return kept ? { ref, ...(await kept.json()) } : null;
}

// Values on this phone by "instrument/item"; an item answered earlier and saved is not known.
async function valuesOf(ref) {
  const found = new Map();
  for (const one of await queue.all()) {
    if (one.ref === ref) found.set(`${one.instrument}/${one.item}`, one.value);
  }
  return found;
}

function isAsked(screen, values) {
  if (!screen.asked_if) return true;
  const value = values.get(`${screen.instrument}/${screen.asked_if.item}`);
  return value != null && value > screen.asked_if.over;
}

async function revisionOf(sheet, instrument) {
  const counters = (await queue.all())
    .filter((one) => one.ref === sheet.ref && one.instrument === instrument)
    .map((one) => one.counter);
  return Math.max(sheet.revisions[instrument] ?? 0, ...counters);
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
    '<input id="answer" name="answer" inputmode="numeric" maxlength="4" autocomplete="off"></div>' +
    '<p class="scale-end"></p></div>';
  const [high, low] = part.querySelectorAll(".scale-end");
  high.textContent = screen.high ?? "";
  low.textContent = screen.low ?? "";
  part.querySelector("label").textContent = fill(words.number, screen);
  part.querySelector("input").value = chosen ?? "";
  return part;
}

function draw(sheet, at, chosen) {
  const screen = sheet.screens[at];
  const part = template.content.cloneNode(true);
  const number = fill(words.question, { number: at + 1, of: sheet.screens.length });
  part.querySelector(".progress label").textContent = number;
  Object.assign(part.querySelector("progress"), { value: at, max: sheet.screens.length });
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

async function question(sheet, at, known) {
  const screen = sheet.screens[at];
  const values = await valuesOf(sheet.ref);
  const key = `${screen.instrument}/${screen.item}`;
  if (known !== undefined && !values.has(key)) values.set(key, known);
  draw(sheet, at, values.get(key));
  const form = document.getElementById("question");
  const give = answering({
    save: `/q/${sheet.ref}/answers`,
    ref: sheet.ref,
    instrument: screen.instrument,
    item: screen.item,
    revision: await revisionOf(sheet, screen.instrument),
    base: null,
    shown_at: new Date().toISOString(),
  });
  const settle = (value) => { values.set(key, value); give("ANSWERED", value); };
  const place = document.getElementById("scale");
  if (place) {
    const read = scale(place, form.elements.answer, screen.first, screen.last, () => {
      if (read() !== null && read() !== values.get(key)) settle(read());
    });
  } else {
    form.addEventListener("change", (event) => settle(Number(event.target.value)));
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const go = event.submitter?.value ?? "next";
    if (go === "next" && !values.has(key)) return prompt(form);
    if (go === "skip") {
      values.set(key, null);
      await give("SKIPPED", null);
    }
    move(sheet, at, go === "back" ? -1 : 1, values);
  });
}

function prompt(form) {
  const message = form.querySelector("#answer-error");
  message.textContent = words.unanswered;
  message.hidden = false;
  form.querySelector("[value=skip]").hidden = false;
}

function move(sheet, at, step, values) {
  let next = at + step;
  while (sheet.screens[next] && !isAsked(sheet.screens[next], values)) next += step;
  const path = sheet.screens[next]?.path ?? (step > 0 ? sheet.review : sheet.screens[0].path);
  location.assign(path);
}

function end() {
  main.querySelector("h1").textContent = words.offlineend;
  main.querySelector("p").textContent = words.offlinewait;
}

async function begin() {
  const here = new URLSearchParams(location.hash.slice(1));
  const sheet = await sheetOf(location.pathname).catch(() => null);
  if (!sheet) return;
  if (location.pathname === sheet.review) return end();
  const at = sheet.screens.findIndex((one) => one.path === location.pathname);
  if (at < 0) return;
  const known = here.has("answer") ? Number(here.get("answer")) : undefined;
  if (here.has("go") && (known !== undefined || here.get("go") !== "next")) {
    const screen = sheet.screens[at];
    const values = await valuesOf(sheet.ref);
    if (known !== undefined) values.set(`${screen.instrument}/${screen.item}`, known);
    move(sheet, at, here.get("go") === "back" ? -1 : 1, values);
    return;
  }
  await question(sheet, at, known);
}

// As soon as there is a connection the real page is better.
function back() {
  location.replace(location.pathname);
}
let reached = false;
listen((entry, state) => {
  if (state === "saved" || state === "toolate") reached = true;
});

begin().then(show);
addEventListener("online", back);
keepTrying().then(() => {
  if (reached) back();
});
