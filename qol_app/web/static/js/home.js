// Pages without a question: send what is still unsent, as from before a sign-in.

import { show } from "./banner.js";
import { flush, keepTrying } from "./sender.js";
import { words } from "./words.js";

show();
keepTrying().then(show);

// Signing out clears the phone. What would be lost by it is said first.
const leave = document.getElementById("sign-out");
leave?.addEventListener("submit", async (event) => {
  if (leave.dataset.warned) return;
  event.preventDefault();
  const sent = await flush();
  leave.dataset.warned = "yes";
  if (sent) return leave.requestSubmit();
  const box = document.getElementById("unsent");
  box.textContent = words.leaving;
  box.hidden = false;
  box.scrollIntoView({ block: "center" });
});
