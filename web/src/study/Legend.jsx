// What a colour stands for: values one by one, a scale of many numbers, or names at the lines.

import { inSentence, levelColor } from "./data.js";

const MAX_NAMED = 8; // values that are told apart by colour alone
const LINE_HEIGHT = 13; // pixels between two names at the lines

/** How the values of an axis are told apart: "listed", on a "scale", or "named" at their lines. */
export function kindOfLegend(levels) {
  const numeric = levels.every(({ value }) => value === null || typeof value === "number");
  if (numeric) return levels.length > MAX_NAMED ? "scale" : "listed";
  const distinct = new Set(levels.map(({ color }) => color)).size === levels.length;
  return distinct && levels.length <= MAX_NAMED ? "listed" : "named";
}

/** The colour of a value among those that are shown: none of its own where names tell. */
export function colorAmong(level, levels, dark) {
  return kindOfLegend(levels) === "named" ? "var(--muted)" : levelColor(level, dark);
}

export function ColorLegend({ axis, levels, dark }) {
  const kind = kindOfLegend(levels);
  return (
    <div class={`legend ${kind}`}>
      <strong>{axis.label}</strong>
      {kind === "named" && <span class="muted">at the lines</span>}
      {kind === "scale" && <Scale {...{ levels, dark }} />}
      {(kind === "listed" ? levels : levels.filter(({ value }) => kind === "scale" && value === null)).map((level) => (
        <span key={level.value}>
          <LineSample color={levelColor(level, dark)} width={4} /> {level.label}
        </span>
      ))}
    </div>
  );
}

/** A piece of a line as it is drawn. */
export function LineSample({ color, width, dash }) {
  return (
    <svg width="26" height="10" aria-hidden="true">
      <line x2="26" y1="5" y2="5" stroke={color} stroke-width={width} stroke-dasharray={dash} />
    </svg>
  );
}

function Scale({ levels, dark }) {
  const known = levels.filter(({ value }) => value !== null).sort((a, b) => a.value - b.value);
  const colors = known.map((level) => levelColor(level, dark));
  const named = [known[0], known[Math.floor((known.length - 1) / 2)], known.at(-1)];
  return (
    <span class="scale">
      <span class="ramp" style={{ background: `linear-gradient(to right, ${colors.join(", ")})` }} />
      <span class="ends">
        {named.map(({ value, label }) => (
          <span key={value}>{label}</span>
        ))}
      </span>
    </span>
  );
}

/** Options of Plot's text mark that keep names at the ends of lines apart. */
export const namesAtLines = {
  textAnchor: "start",
  dx: 7,
  fill: "var(--ink)",
  render: (index, scales, values, dimensions, context, next) =>
    next(index, scales, { ...values, y: apart(index, values.y, dimensions) }, dimensions, context),
};

/** Heights moved so far that no two names touch, and none leaves the picture. */
function apart(index, heights, { height, marginBottom }) {
  const moved = Float64Array.from(heights);
  const order = [...index].sort((a, b) => heights[a] - heights[b]);
  order.forEach((place, i) => {
    if (i) moved[place] = Math.max(moved[place], moved[order[i - 1]] + LINE_HEIGHT);
  });
  let limit = height - marginBottom;
  for (const place of order.reverse()) {
    moved[place] = Math.min(moved[place], limit);
    limit = moved[place] - LINE_HEIGHT;
  }
  return moved;
}

/** The room that names at the lines take: to their right, and the least height. */
export function roomOfNames(names) {
  if (!names.length) return { right: 0, height: 0 };
  return {
    right: 14 + 7 * Math.max(...names.map((name) => name.length)),
    height: LINE_HEIGHT * names.length,
  };
}

/** "colour and panel": what tells lines apart does not tell of these axes. */
export function untold(axes, family) {
  const words = axes.map((axis) => inSentence(family.axisOf[axis].label)).join(" and ");
  return words && `Lines of one colour in a panel differ in ${words}; the pointer says in what. `;
}
