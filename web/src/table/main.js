// What the pages of tables (src/restudy/views/html_tables.py) use of what the other pages share.

import { addCopying } from "../shared/copying.js";

globalThis.addCopying = addCopying;
