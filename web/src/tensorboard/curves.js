// From the points of a tag to the lines of its card: axes, smoothing, seeds of a trial together.

import { quantileSorted } from "d3-array";

// Beyond these, an axis' span or the share of two numbers is no number any more.
const LARGEST_DRAWN = 1e300;
const SMALLEST_ON_LOG = 1e-300;

/** Whether a value has a place on an axis. */
export function isDrawable(value, log) {
  const isNumber = typeof value === "number" && Math.abs(value) <= LARGEST_DRAWN;
  return isNumber && (!log || value >= SMALLEST_ON_LOG);
}

/**
 * Exponential smoothing as TensorBoard does it: the bias towards the start is taken out, values
 * that aren't finite stay as they are and don't count, constant series stay as they are.
 */
export function smooth(values, weight) {
  const result = Float64Array.from(values);
  if (weight <= 0 || values.every((value) => value === values[0])) return result;
  let last = 0;
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    last = last * weight + (1 - weight) * values[i];
    count++;
    result[i] = last / (weight === 1 ? 1 : 1 - weight ** count);
  }
  return result;
}

const MIN_SMOOTHED = 50; // points from which on series are smoothed unless the reader says otherwise
const USUAL_WEIGHT = 0.6;

/** The weight of smoothing for all series of a tag; where none is chosen (-1), as fits them. */
export function weightFor(series, chosen) {
  if (chosen >= 0) return chosen;
  return series.every(({ value }) => value.length >= MIN_SMOOTHED) ? USUAL_WEIGHT : 0;
}

/** Seconds, minutes or hours, such that a span has few digits: {name, seconds}. */
export function unitOf(seconds) {
  if (seconds < 180) return { name: "s", seconds: 1 };
  if (seconds < 3 * 3600) return { name: "min", seconds: 60 };
  return { name: "h", seconds: 3600 };
}

/** Positions on the axis: steps, seconds since the series' first point, or seconds since 1970. */
export function positions({ step, wall }, axis) {
  if (axis === "step") return step;
  if (axis === "wall") return wall;
  return wall.map((time) => time - wall[0]);
}

/** A line per run. */
export function linesOfRuns(series, runs, { axis, weight }) {
  return series
    .filter(({ run }) => runs.has(run))
    .map((points) => ({
      key: points.run,
      ...runs.get(points.run),
      x: positions(points, axis),
      step: points.step,
      wall: points.wall,
      raw: points.value,
      value: smooth(points.value, weight),
    }));
}

/**
 * A line per trial: mean over its runs at every step, and a band. Each run is smoothed first. Only
 * finite values count; `count` says how many there were.
 */
export function linesOfTrials(series, runs, { axis, weight, band }) {
  const trials = new Map();
  for (const line of linesOfRuns(series, runs, { axis, weight })) {
    if (!trials.has(line.group)) trials.set(line.group, []);
    trials.get(line.group).push(line);
  }
  return [...trials].map(([group, lines]) => {
    const steps = [...new Set(lines.flatMap((line) => [...line.step]))].sort((a, b) => a - b);
    const places = lines.map((line) => new Map([...line.step].map((step, i) => [step, i])));
    const points = steps.map((step) => {
      const here = lines.flatMap((line, k) => {
        const i = places[k].get(step);
        return i === undefined ? [] : [[line, i]];
      });
      const of = (name) => here.map(([line, i]) => line[name][i]);
      const finite = of("value").filter(Number.isFinite);
      const [low, high] = bandOf(finite, band);
      return {
        x: mean(of("x")),
        wall: mean(of("wall")),
        raw: mean(finite.length ? of("raw").filter(Number.isFinite) : of("raw")),
        // Where no run has one, what they have instead is marked.
        value: mean(finite.length ? finite : of("value")),
        low,
        high,
        count: finite.length,
      };
    });
    const column = (name) => Float64Array.from(points, (point) => point[name]);
    return {
      ...lines[0],
      key: group,
      label: lines[0].groupLabel,
      members: lines.length,
      step: steps,
      x: column("x"),
      wall: column("wall"),
      raw: column("raw"),
      value: column("value"),
      low: column("low"),
      high: column("high"),
      count: column("count"),
    };
  });
}

export function mean(values) {
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : NaN;
}

/** Bounds around the mean: the extremes, or the 95% interval of the mean by Student. */
export function bandOf(values, kind) {
  if (!values.length) return [NaN, NaN];
  if (kind === "range") return [Math.min(...values), Math.max(...values)];
  const centre = mean(values);
  if (values.length < 2) return [centre, centre];
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  const error = Math.sqrt(squares / (values.length - 1) / values.length);
  const half = student(values.length - 1) * error;
  return [centre - half, centre + half];
}

const STUDENT = [
  12.7062047, 4.30265273, 3.18244631, 2.77644511, 2.57058184, 2.44691185,
  2.36462425, 2.30600414, 2.26215716, 2.22813885, 2.20098516, 2.17881283,
];

/** 97.5% quantile of Student's distribution: a table, then the Cornish-Fisher expansion. */
export function student(freedom) {
  if (freedom <= STUDENT.length) return STUDENT[freedom - 1];
  const z = 1.959963985;
  return (
    z +
    (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3) +
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / (92160 * freedom ** 4)
  );
}

/**
 * Extent of the lines in y. Without outliers: the 5th to the 95th percentile of what is drawn
 * strongly, as in TensorBoard. With `log` only what is above zero counts.
 */
export function extentOfValues(lines, { outliers, log }) {
  const drawable = (value) => isDrawable(value, log);
  const values = lines.flatMap((line) => Array.from(line.value).filter(drawable));
  if (!outliers && values.length > 2) {
    values.sort((a, b) => a - b);
    return [quantileSorted(values, 0.05), quantileSorted(values, 0.95)];
  }
  for (const line of lines)
    for (const part of [line.raw, line.low, line.high])
      for (const value of part ?? []) if (drawable(value)) values.push(value);
  return extent(values);
}

export function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

/** An extent with a margin, never empty. */
export function padded(bounds, log, share = 0.05) {
  if (!bounds) return log ? [0.1, 1] : [0, 1];
  const [low, high] = bounds;
  if (log) {
    const factor = high > low ? (high / low) ** share : 1.5;
    return [low / factor, high * factor];
  }
  const margin = high > low ? (high - low) * share : Math.abs(high) * 0.1 || 1;
  return [low - margin, high + margin];
}

/** Index of the entry nearest to a number in an ascending column. */
export function nearest(column, target) {
  let [low, high] = [0, column.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (column[middle] < target) low = middle + 1;
    else high = middle;
  }
  return low > 0 && target - column[low - 1] <= column[low] - target ? low - 1 : low;
}
