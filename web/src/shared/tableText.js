// A table of a page as text: CSV with every digit, LaTeX and Markdown with what is shown.

import { asCell, escapeLatex, escapeMarkdown, inOneLine } from "./escape.js";

// A text is a string, or a list of strings and of formulas in LaTeX, {formula}.

const NUMBER = /^([-\u2212]?)([\d.,]+)(?:e\+?([-\u2212]?\d+))?$/;
const MISSING = ["\u2013", "none", ""];

/**
 * Rows of values as CSV; numbers with all their digits.
 *
 * @param {string[]} columns
 * @param {Array<Array>} rows
 * @param {boolean[]} [numbers] columns of numbers that are given as text
 */
export function toCsv(columns, rows, numbers = []) {
  const quote = (value, place) => {
    const isText = typeof value === "string" && !numbers[place];
    const text = isText ? asCell(value) : String(value ?? "");
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns.map((name) => quote(name)), ...rows.map((row) => row.map(quote))]
    .map((row) => `${row.join(",")}\n`)
    .join("");
}

/** A text as one string. */
export const inOneString = (text) => inOneLine(around(text, (part) => part));

/** A text whose strings were made safe by a function; formulas stay as they are. */
function around(text, escape, written = (formula) => formula) {
  if (typeof text === "string") return escape(text);
  return text
    .map((part) => {
      if (part.formula) return `$${written(inOneLine(part.formula))}$`;
      const [, before, own, after] = part.match(/^(\s*)(.*?)(\s*)$/s);
      return `${before && " "}${escape(own)}${after && " "}`;
    })
    .join("")
    .trim();
}

/**
 * A table in LaTeX, for the package booktabs.
 *
 * @param {Array} heads texts
 * @param {Array<Array>} rows texts as they are shown
 * @param {boolean[]} numbers which columns have numbers
 */
export function toLatex(heads, rows, numbers) {
  const cells = rows.map((row) =>
    row.map((text, place) => (numbers[place] ? latexNumber(text) : around(text, escapeLatex))),
  );
  const line = (parts) => `${parts.join(" & ")} \\\\`;
  return [
    "% Needs \\usepackage{booktabs}; letters beyond ASCII, also \\usepackage[T1]{fontenc};",
    "% those that are not Latin, LuaLaTeX or XeLaTeX and a font that has them.",
    `\\begin{tabular}{${numbers.map((number) => (number ? "r" : "l")).join("")}}`,
    "\\toprule",
    line(heads.map((head) => around(head, escapeLatex))),
    "\\midrule",
    ...cells.map(line),
    "\\bottomrule",
    "\\end{tabular}",
    "",
  ].join("\n");
}

/** A table in the dialect of Markdown that GitHub and Pandoc read; parameters as of `toLatex`. */
export function toMarkdown(heads, rows, numbers) {
  const line = (parts) => `| ${parts.join(" | ")} |`;
  // A bar would end the cell, also within a formula.
  const withoutBars = (formula) => formula.replaceAll("\\|", "\\Vert{}").replaceAll("|", "\\vert{}");
  const escaped = (text) => around(text, escapeMarkdown, withoutBars);
  const show = (text, place) => (numbers[place] && NUMBER.test(text) ? text : escaped(text));
  return [
    line(heads.map(escaped)),
    line(numbers.map((number) => (number ? "---:" : "---"))),
    ...rows.map((row) => line(row.map(show))),
    "",
  ].join("\n");
}

function latexNumber(text) {
  if (MISSING.includes(text)) return "--";
  if (/^\u2212?\u221e$/.test(text)) return `$${text.length > 1 ? "-" : ""}\\infty$`;
  const [, sign, digits, power] = text.match(NUMBER) ?? [];
  if (digits === undefined) return escapeLatex(text);
  if (!sign && !power) return digits;
  const mantissa = `${sign && "-"}${digits.replaceAll(",", "{,}")}`;
  return `$${mantissa}${power ? ` \\times 10^{${power.replace("\u2212", "-")}}` : ""}$`;
}
