// After handing in or signing out nothing of it stays on the phone.

import { left, stay } from "./leaving.js";
import * as queue from "./queue.js";
import { takeDown } from "./shelf.js";

const refs = left();
stay();
queue.forget(refs);
takeDown(refs);
