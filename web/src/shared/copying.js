// Buttons that copy a table, also from a page that may not use the clipboard: opened from a disk,
// or within a report.

import "./copying.css";
import { counted } from "./format.js";
import { toCsv, toLatex, toMarkdown } from "./tableText.js";

const FORMATS = {
  LaTeX: ({ heads, texts, numbers }) => toLatex(heads, texts, numbers),
  Markdown: ({ heads, texts, numbers }) => toMarkdown(heads, texts, numbers),
  CSV: ({ names, values, numbers }) => toCsv(names, values, numbers),
};

/**
 * Fill an element with the buttons.
 *
 * @param {HTMLElement} place
 * @param {() => {heads, names: string[], numbers: boolean[], values: Array[], texts: Array[]}}
 *   read what is shown when a button is pressed: the columns' heads as shown, and their names in a
 *   CSV; which of them have numbers; the rows' values, and the same as they are shown
 * @param {string} [what] the table's name on a page of several
 */
export function addCopying(place, read, what = "the table") {
  place.classList.add("copying");
  place.setAttribute("role", "group");
  place.setAttribute("aria-label", `Copy ${what}`);
  const status = make("span", { className: "status" });
  status.setAttribute("role", "status");
  const buttons = Object.entries(FORMATS).map(([format, write]) => {
    const button = make("button", { type: "button", textContent: format });
    button.setAttribute("aria-label", `Copy as ${format}`);
    button.addEventListener("click", async () => {
      place.querySelector(".by-hand")?.remove();
      status.textContent = "";
      const table = read();
      const text = write(table);
      if (await copyText(text, place)) {
        status.textContent = `Copied ${counted(table.values.length, "row")} as ${format}.`;
      } else {
        offer(text, place, button);
      }
    });
    return button;
  });
  place.replaceChildren("Copy as ", ...buttons, status);
}

/** Copy a text; false if the browser lets the page do so in no way. */
async function copyText(text, place) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Not allowed here, or not known: as browsers did it before.
    return copySelected(text, place);
  }
}

function copySelected(text, place) {
  const active = document.activeElement;
  const area = make("textarea", { value: text, readOnly: true, className: "unseen" });
  area.setAttribute("aria-hidden", "true");
  place.append(area);
  area.select();
  let done = false;
  try {
    done = document.execCommand("copy");
  } catch {
    // Then it is not done.
  }
  area.remove();
  active?.focus();
  return done;
}

/** Show the text, selected, for the reader to copy. */
function offer(text, place, button) {
  const area = make("textarea", { value: text, readOnly: true, rows: 8, spellcheck: false });
  area.setAttribute("aria-label", "Text to copy");
  const close = make("button", { type: "button", textContent: "Close" });
  const box = make("div", { className: "by-hand" });
  box.append("The browser does not let this page copy. The text is selected: ", area, close);
  const end = () => {
    box.remove();
    button.focus();
  };
  close.addEventListener("click", end);
  box.addEventListener("keydown", (event) => event.key === "Escape" && end());
  place.append(box);
  area.select();
}

const make = (name, properties) => Object.assign(document.createElement(name), properties);
