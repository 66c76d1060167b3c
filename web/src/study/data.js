// The page's data as its parts ask for it.

import { readableColor } from "../shared/colors.js";

/** A family: what the page carries of it, with ways to ask. */
export class Family {
  constructor(tree) {
    Object.assign(this, tree);
    this.count = this.seeds.data.length;
    this.axisOf = Object.fromEntries(this.axes.map((axis) => [axis.name, axis]));
    this.measureOf = Object.fromEntries(this.measures.map((measure) => [measure.name, measure]));
    this.curvePlace = new Map([...(this.curves?.cells.data ?? [])].map((cell, place) => [cell, place]));
    this.paths = Array.from({ length: this.count }, (_, cell) =>
      this.axes.map(({ name }) => `${name}~${this.level(cell, name).value}`).join("/"),
    );
    this.studies = tree.studies.map((study) => ({
      ...study,
      id: `${this.name}/${study.name}`,
      family: this,
      cells: [...study.cells.data],
    }));
    const names = this.axes.map(({ name }) => name);
    this.varied = names.filter((name) => this.axisOf[name].levels.length > 1);
    /** The axis that names a cell, and gives it its colour, where nothing is varied. */
    this.firstAxis = names.find((name) => name !== "dataset" && name !== "protocol") ?? names[0];
  }

  level(cell, axis) {
    return this.axisOf[axis].levels[this.cells[axis].data[cell]];
  }

  /** A cell in words: its values on the given axes. */
  title(cell, axes) {
    const levels = axes.map((axis) => this.level(cell, axis)).filter(({ value }) => value !== null);
    const words = levels.map(wordsOf).join(", ");
    return words || wordsOf(this.level(cell, this.firstAxis));
  }

  /** Mean of a measure over the finished seeds of a cell, or its deviation or interval's half. */
  summaryOf(cell, measure, statistic = "mean") {
    return shorter(this.summary[measure][statistic].data[cell]);
  }

  /** The runs of a cell: seed -> its row among the runs' final values, and whether it finished. */
  runsOf(cell) {
    const { cell: cells, seed, finished } = this.finals;
    const rows = [...cells.data].flatMap((other, row) => (other === cell ? [row] : []));
    return new Map(rows.map((row) => [seed.data[row], { row, finished: finished.data[row] === 1 }]));
  }

  /** Whether a measure is known over training, and not just at its end. */
  isRecorded(measure) {
    return this.curves !== null && measure in this.curves.measures;
  }

  /** Rows {time, mean, low, high} of a cell's curve; none where the page does not carry it. */
  curve(cell, measure) {
    const place = this.curvePlace.get(cell);
    if (place === undefined) return [];
    const { grid, start, mean, half } = this.curves.measures[measure];
    const first = start.data[place];
    return Array.from(this.curves.grids[grid.data[place]].data, (time, i) =>
      withBand(time, mean.data[first + i], half.data[first + i], this.measureOf[measure]),
    );
  }

  /** The same of each level of an axis, pooled over a study's other axes. */
  pooledCurves(study, axis, measure) {
    const { level, time, mean, half } = study.pooled[axis][measure];
    const rows = new Map();
    level.data.forEach((number, i) => {
      if (!rows.has(number)) rows.set(number, []);
      rows
        .get(number)
        .push(withBand(time.data[i], mean.data[i], half.data[i], this.measureOf[measure]));
    });
    return rows;
  }
}

const LIMITS = { accuracy: [0, 1], share: [0, 1], loss: [0, Infinity], norm: [0, Infinity] };

/** A point of a curve; its band ends where the measure does. */
function withBand(time, mean, half, { quantity }) {
  const [least, most] = LIMITS[quantity] ?? [-Infinity, Infinity];
  const clip = (value) => Math.min(most, Math.max(least, value));
  return { time, mean, low: clip(mean - half), high: clip(mean + half) };
}

/** The number that single precision stands for, without the digits that it does not have. */
export function shorter(value) {
  return Number.isFinite(value) ? Number(value.toPrecision(7)) : null;
}

/** A value in words that say what it is of, where no heading does. */
export const wordsOf = ({ words, label }) => words ?? label;

/** A heading within a sentence. */
export const inSentence = (heading) =>
  /^[A-Z][a-z]/.test(heading) ? heading[0].toLowerCase() + heading.slice(1) : heading;

export const levelColor = (level, dark) => readableColor(level.color, dark);

/** "a, b and c" */
export function listed(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

const MANY = 4;

/** The axis that is told by colour: a number with many values, else the first that is compared. */
export function usualColor({ vary, numbers }, family) {
  const many = numbers.find((axis) => family.axisOf[axis].levels.length > MANY);
  return many ?? vary.find((axis) => axis !== "protocol") ?? vary[0] ?? family.firstAxis;
}

/** Scale of Plot for an axis of numbers of a study: logarithmic where its range is. */
export function numberScale(study, axis, values) {
  const finite = values.filter(Number.isFinite);
  const wide = Math.min(...finite) > 0 && Math.max(...finite) > 30 * Math.min(...finite);
  const log = study.scales[axis] ? study.scales[axis] === "log" : wide;
  return { type: log ? "log" : "linear", ...(log && { tickFormat: (value) => String(Number(value.toPrecision(3))) }) };
}

/** Axes of the parallel coordinates, the cells that they show, and a cell's values on them. */
export function coordinatesOf(study, family, state) {
  const all = state.scope === "all";
  const varied = all ? family.varied : study.vary;
  const cells = all ? Array.from({ length: family.count }, (_, cell) => cell) : study.cells;
  const measures = measuresShown(family, state);
  const numeric = ({ levels }) => typeof levels[0].value === "number";
  const axes = [
    ...varied.map((name) => {
      const axis = family.axisOf[name];
      const log = (study.scales[name] ?? "log") === "log";
      const order = axis.levels.map(({ label }) => label);
      return { name, label: axis.label, kind: numeric(axis) ? "number" : "text", log, order };
    }),
    ...measures.map(({ name, label, quantity }) => ({
      name,
      label,
      kind: "number",
      log: quantity === "loss" || quantity === "norm",
    })),
  ];
  const values = (cell) => ({
    ...Object.fromEntries(
      varied.map((name) => {
        const { value, label } = family.level(cell, name);
        return [name, numeric(family.axisOf[name]) ? value : label];
      }),
    ),
    ...Object.fromEntries(measures.map(({ name }) => [name, family.summaryOf(cell, name)])),
  });
  return { axes, cells, varied, measures, values };
}

/** Measures that stand beside each cell: the chosen ones, else the usual ones. */
export function measuresShown(family, state) {
  return family.measures.filter(({ name, usual }) =>
    state.shown.length ? state.shown.includes(name) : usual,
  );
}

/** Ends of a scale for some values, apart from each other even where all values are one. */
export function limitsOf(values) {
  const finite = values.filter(Number.isFinite);
  if (!finite.length) return [0, 1];
  let [low, high] = [Infinity, -Infinity];
  for (const value of finite) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const margin = high > low ? 0 : Math.abs(low) / 10 || 0.5;
  return [low >= 0 ? Math.max(0, low - margin) : low - margin, high + margin];
}
