// The review shows what the server has; so what is unsent is sent first, and nothing is
// handed in before.

import { show } from "./banner.js";
import { leave, stay } from "./leaving.js";
import * as queue from "./queue.js";
import { flush, keepTrying, listen } from "./sender.js";
import { words } from "./words.js";

const form = document.getElementById("submit");

// An answer that is still on this phone is newer than what its row says.
function mark({ ref, instrument, item }, kind, text) {
  const place = CSS.escape(`${ref}/${instrument}/${item}`);
  const said = document.querySelector(`[data-place="${place}"] dd > :first-child`);
  if (!said) return;
  said.className = `tag tag-${kind}`;
  said.textContent = text;
}

async function markUnsent() {
  for (const one of await queue.all()) mark(one, "warn", words.phone);
}

let arrived = false;
listen((entry, state) => {
  if (state !== "saved") return;
  arrived = true;
  mark(entry, "good", words.saved);
});

// Never while somebody is about to go on: a page loaded anew would take the step back.
let touched = false;
for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => { touched = true; });

stay();
show();
markUnsent().then(keepTrying).then(() => {
  if (arrived && !touched) location.reload();
});

form.addEventListener("submit", async (event) => {
  if (form.dataset.ready) return leave([form.dataset.ref]);
  event.preventDefault();
  const { submitter } = event;
  if (!(await flush())) {
    show();
    return;
  }
  form.dataset.ready = "yes";
  form.requestSubmit(submitter);
});
addEventListener("pageshow", () => { delete form.dataset.ready; });
