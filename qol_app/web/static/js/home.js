// Pages without a question: send what is still unsent, as from before a sign-in.

import { show } from "./banner.js";
import { leave, stay } from "./leaving.js";
import { flush, keepTrying } from "./sender.js";
import { words } from "./words.js";

stay();
show();
keepTrying().then(show);

// Signing out clears the phone. What would be lost by it is said first.
const door = document.getElementById("sign-out");
door?.addEventListener("submit", async (event) => {
  if (door.dataset.warned) return leave(door.dataset.refs.split(" "));
  event.preventDefault();
  const sent = await flush();
  door.dataset.warned = "yes";
  if (sent) return door.requestSubmit();
  const box = document.getElementById("unsent");
  box.textContent = words.leaving;
  box.hidden = false;
  box.scrollIntoView({ block: "center" });
});
