// One question, with a connection: the form works by itself; this sends each tap at once.

import { answering } from "./answering.js";
import { show } from "./banner.js";
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

const give = answering(question, (event) => {
  elements.event_id.value = event.event_id;
  elements.counter.value = event.counter;
  elements.base.value = event.base ?? "";
});

const place = document.getElementById("scale");
if (place) {
  let given = elements.answer.value;
  const first = Number(dataset.first);
  const value = scale(place, elements.answer, first, Number(dataset.last), () => {
    if (value() === null || elements.answer.value === given) return;
    given = elements.answer.value;
    give("ANSWERED", value());
  });
} else {
  form.addEventListener("change", (event) => {
    if (event.target.name === "answer") give("ANSWERED", Number(event.target.value));
  });
}

// A page out of the browser's memory may show what is no longer so.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

show();
keepTrying();
keep(dataset.sheet);
