// The review shows what the server has; so what is unsent is sent first, and nothing is
// handed in before.

import { show } from "./banner.js";
import * as queue from "./queue.js";
import { flush, keepTrying, listen } from "./sender.js";

let arrived = false;
listen((entry, state) => {
  if (state === "saved") arrived = true;
});

show();
keepTrying().then(() => {
  if (arrived) location.reload();
});

const form = document.getElementById("submit");
form.addEventListener("submit", async (event) => {
  if (form.dataset.ready) return;
  event.preventDefault();
  const { submitter } = event;
  if ((await queue.all()).length && !(await flush())) {
    show();
    return;
  }
  form.dataset.ready = "yes";
  form.requestSubmit(submitter);
});
addEventListener("pageshow", () => { delete form.dataset.ready; });
