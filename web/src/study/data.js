// The page's data as its parts ask for it.

import { readableColor } from "../shared/colors.js";

/** One kind of network: what the page carries of it, with ways to ask. */
export class Model {
  constructor(tree) {
    Object.assign(this, tree);
    this.count = this.seeds.data.length;
    this.axisOf = Object.fromEntries(this.axes.map((axis) => [axis.name, axis]));
    this.measureOf = Object.fromEntries(this.measures.map((measure) => [measure.name, measure]));
    this.curvePlace = new Map([...this.curves.cells.data].map((cell, place) => [cell, place]));
    this.paths = Array.from({ length: this.count }, (_, cell) =>
      this.axes.map(({ name }) => `${name}~${this.level(cell, name).value}`).join("/"),
    );
    this.studies = tree.studies.map((study) => ({
      ...study,
      id: `${this.name}/${study.name}`,
      model: this,
      cells: [...study.cells.data],
    }));
    this.varied = this.axes.map(({ name }) => name).filter((name) => this.axisOf[name].levels.length > 1);
  }

  level(cell, axis) {
    return this.axisOf[axis].levels[this.cells[axis].data[cell]];
  }

  /** A cell in words: its values on the given axes. */
  title(cell, axes) {
    const words = axes.map((axis) => this.level(cell, axis).label).join(", ");
    return words || this.level(cell, "activation").label;
  }

  /** Mean of a measure over the finished seeds of a cell, or its deviation or interval's half. */
  summaryOf(cell, measure, statistic = "mean") {
    return shorter(this.summary[measure][statistic].data[cell]);
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

  /** What the page opens with: the loss, and where possible of points that were not trained on. */
  get usualMeasure() {
    const names = ["heldout_loss", "test_loss", "train_loss"];
    return names.find((name) => name in this.measureOf) ?? this.measures[0].name;
  }
}

/** A point of a curve; its band ends where the measure does. */
function withBand(time, mean, half, { quantity }) {
  const most = quantity === "accuracy" || quantity === "share" ? 1 : Infinity;
  const clip = (value) => Math.min(most, Math.max(0, value));
  return { time, mean, low: clip(mean - half), high: clip(mean + half) };
}

/** The number that single precision stands for, without the digits that it does not have. */
export function shorter(value) {
  return Number.isFinite(value) ? Number(value.toPrecision(7)) : null;
}

export const levelColor = (level, dark) => readableColor(level.color, dark);

export const DASHES = ["", "6 4", "2 3", "9 3 2 3"];

/** "a, b and c" */
export function listed(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** The axis that is told by colour: the first that is compared. */
export function usualColor(vary) {
  return vary.find((axis) => axis !== "protocol") ?? vary[0] ?? "activation";
}

/** Axes of the parallel coordinates, the cells that they show, and a cell's values on them. */
export function coordinatesOf(study, model, state) {
  const all = state.scope === "all";
  const varied = all ? model.varied : study.vary;
  const cells = all ? Array.from({ length: model.count }, (_, cell) => cell) : study.cells;
  const measures = model.measures.filter(({ name }) =>
    state.shown.length ? state.shown.includes(name) : usuallyShown(name),
  );
  const numeric = ({ levels }) => typeof levels[0].value === "number";
  const axes = [
    ...varied.map((name) => {
      const axis = model.axisOf[name];
      return { name, label: axis.label, kind: numeric(axis) ? "number" : "text", log: true };
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
        const { value, label } = model.level(cell, name);
        return [name, numeric(model.axisOf[name]) ? value : label];
      }),
    ),
    ...Object.fromEntries(measures.map(({ name }) => [name, model.summaryOf(cell, name)])),
  });
  return { axes, cells, varied, measures, values };
}

export const usuallyShown = (name) => !["grad_norm", "saturated_share"].includes(name);

/** Ends of a scale for some values, apart from each other even where all values are one. */
export function limitsOf(values) {
  const finite = values.filter(Number.isFinite);
  if (!finite.length) return [0, 1];
  let [low, high] = [Infinity, -Infinity];
  for (const value of finite) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const room = high > low ? 0 : Math.abs(low) / 10 || 0.5;
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}
