// Buttons to copy and download the tables that a page has in its HTML, as the pages of claims and notebooks do.

import { addCopying, fileStem } from "./copying.js";
import { inOneLine } from "./escape.js";
import { inOneString } from "./tableText.js";

/**
 * Put buttons that copy and download it below every table with a head.
 *
 * A cell is copied as it is read aloud: without what is hidden from that, such as signs beside the
 * words that say the same. A formula is copied as the LaTeX in its `data-latex`, a number with the
 * digits in its cell's `data-value`.
 */
export function addCopyingToTables() {
  for (const table of document.querySelectorAll("table")) {
    if (!table.tHead) continue;
    const frame = table.closest("[tabindex]") ?? table;
    const name = inOneLine(table.caption?.textContent ?? frame.getAttribute("aria-label") ?? "");
    const place = document.createElement("div");
    frame.after(place);
    const what = name ? `the table: ${name}` : undefined;
    addCopying(place, () => readTable(table), what, fileStem(name));
  }
}

/** What a table holds, as `addCopying` wants it. */
function readTable(table) {
  const heads = [...table.tHead.rows].at(-1).cells;
  const rows = [...table.tBodies].flatMap((body) => [...body.rows].map((row) => [...row.cells]));
  const names = Array.from(heads, (head) => inOneString(textOf(head)));
  return {
    heads: Array.from(heads, textOf),
    names,
    numbers: Array.from(heads, (head) => head.classList.contains("number")),
    values: rows.map((row) => row.map((cell) => cell.dataset.value ?? inOneString(textOf(cell)))),
    texts: rows.map((row) => row.map(textOf)),
  };
}

/** A cell's text, or its texts and formulas one after another if it has formulas. */
function textOf(cell) {
  const parts = partsOf(cell);
  if (parts.every((part) => typeof part === "string")) return inOneLine(parts.join(""));
  return parts;
}

function partsOf(node) {
  if (node.nodeType === Node.TEXT_NODE) return [node.data];
  if (node.nodeType !== Node.ELEMENT_NODE || node.getAttribute("aria-hidden") === "true") return [];
  const formula = node.getAttribute("data-latex");
  if (formula !== null) return [{ formula }];
  const parts = [...node.childNodes].flatMap(partsOf);
  return node.localName === "div" && node.nextElementSibling ? [...parts, "; "] : parts;
}
