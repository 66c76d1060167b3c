// Means over seeds with their 95% bands, over training.

import * as Plot from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { insideBrushes } from "../shared/ParallelCoordinates.jsx";
import { PlotFigure } from "../shared/PlotFigure.jsx";
import { coordinatesOf, DASHES, levelColor, limitsOf, listed, usualColor, inSentence } from "./data.js";

const MAX_LINES = 48;
const MAX_PANELS = 4;

export function Curves(shared) {
  const { family, measure } = shared;
  if (family.isRecorded(measure.name)) return <RecordedCurves {...shared} />;
  return (
    <p class="muted">
      {family.curves
        ? `The ${inSentence(measure.label)} is known at the end of training only, so it has no curve.`
        : "Nothing is recorded during training, so there are no curves: effects and cells show what there is at its end."}
    </p>
  );
}

function RecordedCurves({ study, family, measure, state, change, dark }) {
  const { vary } = study;
  // Values that were drawn are hardly shared by two cells, so there is nothing to pool.
  const poolable = vary.length > 1 ? vary.filter((axis) => !study.drawn.includes(axis)) : [];
  const pooledAxis = poolable.includes(state.lines) ? state.lines : null;
  const usualPool = study.cells.length > MAX_LINES && state.lines === "" && !study.drawn.length && vary.length > 1;
  const pool = pooledAxis ?? (usualPool ? usualColor(study, family) : null);
  const color = vary.includes(state.color) ? state.color : usualColor(study, family);
  // More values than there are dashes could not be told apart by them.
  const rest = vary.filter((axis) => axis !== color && levelsOf(axis, study.cells, family).length <= DASHES.length);
  const dash = rest.includes(state.dash) ? state.dash : rest.includes("protocol") ? "protocol" : rest[0];
  // A third axis is told by panels; further ones only by the words beside the pointer.
  const others = vary.filter((axis) => axis !== color && axis !== dash);
  const panel = others.find((axis) => levelsOf(axis, study.cells, family).length <= MAX_PANELS);

  const chosen = useMemo(() => {
    const { axes, values } = coordinatesOf(study, family, state);
    return study.cells.filter((cell) => insideBrushes(values(cell), state.brushes, axes));
  }, [study, JSON.stringify(state.brushes), JSON.stringify(state.shown), state.scope]);
  const lines = useMemo(
    () => (pool ? pooledLines(study, family, pool, measure, dark) : cellLines(chosen, study, family, { color, dash, panel }, measure, dark)),
    [study, pool, chosen, color, dash, panel, measure, dark],
  );
  const shown = lines.slice(0, MAX_LINES);
  const rows = shown.flatMap((line) =>
    line.points
      .filter(
        ({ time, mean }) =>
          Number.isFinite(mean) && (!state.logx || time > 0) && (!state.logy || mean > 0),
      )
      .map((point) => ({
        ...point,
        low: state.logy && !(point.low > 0) ? point.mean : point.low,
        line: line.title,
        color: line.color,
        panel: line.panel,
      })),
  );
  const legends = pool
    ? [[family.axisOf[pool], "color"]]
    : [color && [family.axisOf[color], "color"], dash && [family.axisOf[dash], "dash"]].filter(Boolean);
  const without = chosen.filter((cell) => !family.curvePlace.has(cell)).length;
  const banded = state.bands && rows.some(({ low }) => Number.isFinite(low));

  return (
    <>
      <div class="bar">
        {poolable.length > 0 && (
          <label>
            Lines{" "}
            <select
              value={pool ?? "cells"}
              onChange={(event) => change({ lines: event.currentTarget.value })}
            >
              <option value="cells" selected={!pool}>
                each cell
              </option>
              {poolable.map((axis) => (
                <option key={axis} value={axis} selected={pool === axis}>
                  mean by {inSentence(family.axisOf[axis].label)}
                </option>
              ))}
            </select>
          </label>
        )}
        {!pool && vary.length > 1 && (
          <>
            <AxisChoice name="Colour" axes={vary} value={color} family={family} onChange={(axis) => change({ color: axis })} />
            {rest.length > 0 && (
              <AxisChoice
                name="Dashes"
                axes={rest}
                value={dash}
                family={family}
                onChange={(axis) => change({ dash: axis })}
              />
            )}
          </>
        )}
        <Toggle name="95% bands" value={state.bands} onChange={(bands) => change({ bands })} />
        <Toggle name="Log time" value={state.logx} onChange={(logx) => change({ logx })} />
        <Toggle name="Log measure" value={state.logy} onChange={(logy) => change({ logy })} />
      </div>
      <div class="legends">
        {legends.map(([axis, kind]) => (
          <Legend
            key={axis.name + kind}
            alone={legends.length === 1}
            cells={study.cells}
            {...{ axis, kind, family, dark }}
          />
        ))}
      </div>
      <PlotFigure
        label={`${measure.label} over training: ${listed(shown.slice(0, 12).map(({ title }) => title))}`}
        depends={[rows, banded, state.logx, state.logy, dark]}
        options={(width) => {
          const panels = new Set(rows.map((row) => row.panel)).size;
          // Panels stand side by side where there is room, else below one another.
          const facet = panels < 2 ? {} : width < 640 ? { fy: "panel" } : { fx: "panel" };
          const wide = facet.fx ? width / panels : width;
          const height = Math.max(230, Math.min(430, wide * 0.45));
          return {
            height: facet.fy ? panels * height : height,
            marginLeft: 58,
            marginRight: facet.fy ? 14 + 7 * Math.max(...shown.map((line) => line.panel.length)) : 32,
            marginBottom: 40,
            x: {
              type: state.logx ? "log" : "linear",
              label: `${family.time.label} →`,
              tickFormat: (value) => value.toLocaleString("en-US"),
              ticks: state.logx ? 4 : Math.max(2, Math.floor(wide / 130)),
            },
            y: {
              type: state.logy ? "log" : "linear",
              label: `↑ ${measure.label}`,
              domain: limitsOf(rows.flatMap(({ mean, low, high }) => (banded ? [mean, low, high] : [mean]))),
              grid: true,
              nice: true,
              ticks: 6,
              ...(state.logy && { tickFormat: "~g" }),
            },
            ...(facet.fx && { fx: { label: null } }),
            ...(facet.fy && { fy: { label: null } }),
            marks: [
              banded
                ? Plot.areaY(rows, { x: "time", y1: "low", y2: "high", z: "line", fill: "color", fillOpacity: 0.16, ...facet })
                : null,
              ...shown.map((line) =>
                Plot.lineY(
                  rows.filter((row) => row.line === line.title),
                  { x: "time", y: "mean", stroke: line.color, strokeWidth: 2, strokeDasharray: line.dash, ...facet },
                ),
              ),
              Plot.tip(
                rows,
                Plot.pointer({
                  x: "time",
                  y: "mean",
                  fill: "var(--raised)",
                  stroke: "color",
                  title: (row) => hint(row, family, measure),
                  ...facet,
                }),
              ),
            ],
          };
        }}
      />
      <p class="muted">
        {pool
          ? `Each line is the mean over all cells with that ${inSentence(family.axisOf[pool].label)}, seed by seed; the band is its 95% interval (Student's t) over the seeds' means.`
          : "Each line is the mean over the seeds of a cell; the band is its 95% interval (Student's t). Brushes below choose the cells."}{" "}
        {!banded && state.bands && rows.length > 0 && "A single seed has no band. "}
        {lines.length > MAX_LINES && `The first ${MAX_LINES} of ${lines.length} lines are drawn. `}
        {without > 0 &&
          `${without.toLocaleString("en-US")} of the cells have no curve on this page, for its size: those farthest from the baseline; all are in results/tables/${family.name}_history.parquet. `}
        {measure.meaning}
      </p>
    </>
  );
}

function hint(row, family, measure) {
  const lines = [
    row.line,
    `${family.time.label}: ${row.time.toLocaleString("en-US")}`,
    `${measure.label}: ${row.mean.toPrecision(4)}`,
  ];
  if (Number.isFinite(row.low)) lines.push(`95%: ${row.low.toPrecision(4)} to ${row.high.toPrecision(4)}`);
  return lines.join("\n");
}

function cellLines(cells, study, family, { color, dash, panel }, measure, dark) {
  return cells
    .filter((cell) => family.curvePlace.has(cell))
    .map((cell) => ({
      title: family.title(cell, study.vary),
      color: levelColor(family.level(cell, color), dark),
      panel: panel ? family.level(cell, panel).label : null,
      dash: dash
        ? DASHES[levelsOf(dash, study.cells, family).indexOf(family.level(cell, dash)) % DASHES.length]
        : dashOfRepeat(family.level(cell, color), levelsOf(color, study.cells, family)),
      points: family.curve(cell, measure.name),
    }));
}

function pooledLines(study, family, axis, measure, dark) {
  return [...family.pooledCurves(study, axis, measure.name)].map(([number, points]) => {
    const level = family.axisOf[axis].levels[number];
    return {
      title: level.label,
      color: levelColor(level, dark),
      dash: dashOfRepeat(level, levelsOf(axis, study.cells, family)),
      panel: null,
      points,
    };
  });
}

/** Names without a colour of their own may share one: then dashes tell them apart. */
function dashOfRepeat(level, levels) {
  const alike = levels.filter(({ color }) => color === level.color);
  return DASHES[alike.indexOf(level) % DASHES.length];
}

function levelsOf(axis, cells, family) {
  const present = new Set(cells.map((cell) => family.level(cell, axis)));
  // Published arithmetic is the one that is dashed, corrected the solid one.
  const levels = family.axisOf[axis].levels.filter((level) => present.has(level));
  return axis === "protocol" ? [...levels].sort((a, b) => (a.value === "published") - (b.value === "published")) : levels;
}

export function Toggle({ name, value, onChange }) {
  return (
    <label>
      <input type="checkbox" checked={value} onChange={(event) => onChange(event.currentTarget.checked)} /> {name}
    </label>
  );
}

function AxisChoice({ name, axes, value, family, onChange }) {
  return (
    <label>
      {name}{" "}
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {axes.map((axis) => (
          <option key={axis} value={axis} selected={axis === value}>
            {inSentence(family.axisOf[axis].label)}
          </option>
        ))}
      </select>
    </label>
  );
}

const MAX_NAMED = 9;

/** Of many levels some, the first and last among them: their colours are in order. */
function someOf(levels) {
  if (levels.length <= MAX_NAMED) return levels;
  return Array.from({ length: MAX_NAMED }, (_, i) => levels[Math.round((i * (levels.length - 1)) / (MAX_NAMED - 1))]);
}

function Legend({ axis, kind, alone, cells, family, dark }) {
  const levels = levelsOf(axis.name, cells, family);
  const dash = (level, i) =>
    kind === "dash" ? DASHES[i % DASHES.length] : alone ? dashOfRepeat(level, levels) : "";
  return (
    <div class="legend">
      <strong>{axis.label}</strong>
      {someOf(levels).map((level, i) => (
        <span key={level.value}>
          <svg width="26" height="10" aria-hidden="true">
            <line
              x2="26"
              y1="5"
              y2="5"
              stroke={kind === "color" ? levelColor(level, dark) : "currentColor"}
              stroke-width={kind === "color" ? 4 : 2}
              stroke-dasharray={dash(level, i)}
            />
          </svg>{" "}
          {level.label}
        </span>
      ))}
    </div>
  );
}
