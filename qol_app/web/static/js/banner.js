// The notice that some answers are on this phone only; there as long as that is so.

import * as queue from "./queue.js";
import { isOurs, listen } from "./sender.js";
import { words } from "./words.js";

const box = document.getElementById("unsent");
let signedOut = false;

function signInLink() {
  const link = document.createElement("a");
  link.href = words.signinurl;
  link.className = "button";
  link.textContent = words.signin;
  return link;
}

export async function show() {
  const left = (await queue.all()).filter(isOurs);
  if (!box) return;
  const text = document.createElement("p");
  text.textContent = signedOut ? words.signedout : words.unsent;
  box.replaceChildren(text, ...(signedOut ? [signInLink()] : []));
  box.hidden = left.length === 0;
}

listen((entry, state) => {
  if (state === "sent") return;
  if (state === "signedout") signedOut = true;
  if (state === "saved") signedOut = false;
  show();
});
