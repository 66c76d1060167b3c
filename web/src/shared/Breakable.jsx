/** A path or name that may break into lines after its separators. */
export function Breakable({ text }) {
  return text.split(/(?<=[/_.=~-])/).flatMap((part) => [part, <wbr />]);
}
