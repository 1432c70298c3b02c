// After handing in or signing out nothing of it stays on the phone.

import * as queue from "./queue.js";
import { takeDown } from "./shelf.js";

queue.clear();
takeDown();
