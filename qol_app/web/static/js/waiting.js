// Signed out: nothing can be sent from here, but what waits on this phone is said to be there.

import { show } from "./banner.js";

show();
