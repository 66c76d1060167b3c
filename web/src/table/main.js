// What pages with tables that are written in Python (src/restudy/views/html_tables.py) use of what
// the other pages share.

import "../shared/tables.css";
import { addCopying } from "../shared/copying.js";
import { addCopyingToTables } from "../shared/writtenTables.js";

Object.assign(globalThis, { addCopying, addCopyingToTables });
