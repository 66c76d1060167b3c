// Text made safe for where it goes, as in src/restudy/analysis/markup.py and, for a cell of a CSV, in
// src/restudy/data/tables.py. A test compares them.

const LATEX = {
  ...Object.fromEntries([..."{}_%&#$"].map((mark) => [mark, `\\${mark}`])),
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "|": "\\textbar{}",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
  '"': "{\\char34}",
  ...Object.fromEntries([..."*[]`"].map((mark) => [mark, `{${mark}}`])),
  "\u2212": "$-$",
};
const IN_LATEX = /[{}_%&#$\\~^|<>"*[\]`\u2212]|([-,'])(?=\1)/g;
const IN_MARKDOWN = /[\\`*_{}[\]<>#|~$&^@]|:(?! |$)|\.(?=[A-Za-z])|([-+=])(?=\1)|^[-+=:]/g;
const NUMBERED = /^([0-9]+)([.)])(?= |$)/;
const FORMULA = /^'*(?:[=+@\t\r]|-(?![\p{Nd}.]))/u;

/** Text without line breaks and control characters, and without spaces side by side. */
export const inOneLine = (text) => text.replace(/[\p{Cc}\p{Z}]+/gu, " ").replace(/^ | $/g, "");

/** Text that LaTeX sets as it is. */
export const escapeLatex = (text) =>
  inOneLine(text)
    .normalize("NFC")
    .replace(IN_LATEX, (mark) => LATEX[mark] ?? `${mark}{}`);

/** Text that Markdown shows as it is. */
export const escapeMarkdown = (text) =>
  inOneLine(text).replace(IN_MARKDOWN, "\\$&").replace(NUMBERED, "$1\\$2");

/** Text that a spreadsheet shows, and does not calculate. */
export const asCell = (text) => (FORMULA.test(text) ? `'${text}` : text);
