// One question, with a connection: the form works by itself; this sends each tap at once.

import { answering } from "./answering.js";
import * as banner from "./banner.js";
import * as queue from "./queue.js";
import { scale } from "./scale.js";
import { keepTrying } from "./sender.js";
import { keep } from "./shelf.js";

const form = document.getElementById("question");
const { dataset, elements } = form;

const question = {
  save: dataset.save,
  ref: dataset.ref,
  instrument: dataset.instrument,
  item: dataset.item,
  revision: Number(dataset.revision),
  base: elements.base.value,
  shown_at: new Date().toISOString(),
};

const { give, takeUp, renew } = answering(question, (event) => {
  elements.event_id.value = event.event_id;
  elements.counter.value = event.counter;
  elements.base.value = event.base ?? "";
});

const place = document.getElementById("scale");
let given = elements.answer?.value;
if (place) {
  const value = scale(place, elements.answer, Number(dataset.first), Number(dataset.last), () => {
    if (value() === null || elements.answer.value === given) return;
    given = elements.answer.value;
    give("ANSWERED", value());
  });
} else {
  form.addEventListener("change", (event) => {
    if (event.target.name === "answer") give("ANSWERED", Number(event.target.value));
  });
}

// The page shows what the server had. An answer that is still on this phone is newer, and so is
// one that arrived while this page was on its way.
async function showNewest() {
  const entries = await queue.of(question);
  const marks = await queue.acknowledged(question.ref);
  const mark = marks.get(`${question.instrument}/${question.item}`);
  const [opening] = performance.getEntriesByType("navigation");
  if (takeUp(entries)) show(entries.at(-1).value);
  else if (mark?.revision > question.revision && opening?.type !== "reload") location.reload();
}

function show(value) {
  if (place) {
    given = elements.answer.value = value ?? "";
    elements.answer.dispatchEvent(new Event("input"));
    return;
  }
  for (const one of form.querySelectorAll("[name=answer]")) {
    one.checked = one.value === String(value);
  }
}

form.addEventListener("submit", (event) => {
  // Passing over is an answer of its own, not the one last tapped.
  if (event.submitter?.value === "skip") renew();
  const goesOn = navigator.serviceWorker?.controller && queue.isKept();
  if (navigator.onLine || goesOn) return;
  event.preventDefault();
  const message = document.getElementById("not-yet");
  message.textContent = words.notyetkept;
  message.hidden = false;
});

// A page out of the browser's memory may show what is no longer so.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

banner.show();
showNewest().then(() => keepTrying());
keep(dataset.sheet);
