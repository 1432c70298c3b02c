// Pages without a question: send what is still unsent, as from before a sign-in.

import { show } from "./banner.js";
import { keepTrying } from "./sender.js";

show();
keepTrying().then(show);
