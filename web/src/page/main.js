// What every page that is written in Python (src/restudy/views/html_tables.py) does.

import { followFrames } from "../shared/sideways.js";

followFrames();
