// Buttons that copy a table, also from a page that may not use the clipboard: opened from a disk,
// or within a report; and that save it as a file.

import "./copying.css";
import { saveText } from "./download.js";
import { counted } from "./format.js";
import { toCsv, toLatex, toMarkdown } from "./tableText.js";

const FORMATS = {
  LaTeX: {
    write: ({ heads, texts, numbers }) => toLatex(heads, texts, numbers),
    ending: "tex",
    type: "application/x-tex",
  },
  Markdown: {
    write: ({ heads, texts, numbers }) => toMarkdown(heads, texts, numbers),
    ending: "md",
    type: "text/markdown",
  },
  CSV: {
    write: ({ names, values, numbers }) => toCsv(names, values, numbers),
    ending: "csv",
    type: "text/csv",
  },
};

/**
 * Fill an element with the buttons that copy and download a table.
 *
 * @param {HTMLElement} place
 * @param {() => {heads, names: string[], numbers: boolean[], values: Array[], texts: Array[]}}
 *   read what is shown when a button is pressed: the columns' heads as shown, and their names in a
 *   CSV; which of them have numbers; the rows' values, and the same as they are shown; and `csv`, if
 *   a file of just that is at hand, which is downloaded as it is
 * @param {string} [what] the table's name on a page of several
 * @param {string} [file] name of the downloaded files, without its ending
 */
export function addCopying(place, read, what = "the table", file = "table") {
  place.classList.add("copying");
  const status = make("span", { className: "status" });
  status.setAttribute("role", "status");
  const copy = async (format, button) => {
    place.querySelector(".by-hand")?.remove();
    status.textContent = "";
    const table = read();
    const text = FORMATS[format].write(table);
    if (await copyText(text, place)) {
      status.textContent = `Copied ${counted(table.values.length, "row")} as ${format}.`;
    } else {
      offer(text, place, button);
    }
  };
  const download = (format) => {
    const { write, ending, type } = FORMATS[format];
    const table = read();
    const text = (format === "CSV" && table.csv) || write(table);
    saveText(`${file}.${ending}`, `${type};charset=utf-8`, text);
  };
  const copies = groupOfButtons("Copy", what, copy);
  copies.append(status);
  place.replaceChildren(copies, groupOfButtons("Download", what, download));
}

/** A button for each format, which calls a function with the format and itself. */
function groupOfButtons(verb, what, act) {
  const group = make("span", { className: "formats" });
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", `${verb} ${what}`);
  const buttons = Object.keys(FORMATS).map((format) => {
    const button = make("button", { type: "button", textContent: format });
    button.setAttribute("aria-label", `${verb} as ${format}`);
    button.addEventListener("click", () => act(format, button));
    return button;
  });
  group.append(`${verb} as `, ...buttons);
  return group;
}

/** A text as part of a file's name. */
export const fileStem = (text) =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 60) || "table";

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
