// Means over seeds with their 95% bands, over training.

import * as Plot from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { insideBrushes } from "../shared/ParallelCoordinates.jsx";
import { PlotFigure } from "../shared/PlotFigure.jsx";
import { coordinatesOf, limitsOf, listed, usualColor, inSentence, wordsOf } from "./data.js";
import { ColorLegend, LineSample, colorAmong, kindOfLegend, namesAtLines, roomOfNames, untold } from "./Legend.jsx";

const MAX_LINES = 48;
const MAX_PANELS = 6;
const MAX_BANDS = 8; // of more lines, only the one that is pointed at has its band
const NARROWEST = 300; // pixels of a panel

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
  const panels = pool ? [] : panelAxes(vary.filter((axis) => axis !== color), study, family);

  const chosen = useMemo(() => {
    const { axes, values } = coordinatesOf(study, family, state);
    return study.cells.filter((cell) => insideBrushes(values(cell), state.brushes, axes));
  }, [study, JSON.stringify(state.brushes), JSON.stringify(state.shown), state.scope]);
  const lines = useMemo(
    () => (pool ? pooledLines(study, family, pool, measure, dark) : cellLines(chosen, study, family, color, panels, measure, dark)),
    [study, pool, chosen, color, measure, dark],
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
        name: line.name,
        color: line.color,
        panel: line.panel,
      })),
  );
  const coloured = pool ?? color;
  const levels = levelsOf(coloured, study.cells, family);
  const named = kindOfLegend(levels) === "named";
  const titles = [...new Set(rows.map((row) => row.panel))];
  const without = chosen.filter((cell) => !family.curvePlace.has(cell)).length;
  const banded = state.bands && rows.some(({ low }) => Number.isFinite(low));
  const onDemand = banded && shown.length > MAX_BANDS;

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
          <AxisChoice name="Colour" axes={vary} value={color} family={family} onChange={(axis) => change({ color: axis })} />
        )}
        <Toggle name="95% bands" value={state.bands} onChange={(bands) => change({ bands })} />
        <Toggle name="Log time" value={state.logx} onChange={(logx) => change({ logx })} />
        <Toggle name="Log measure" value={state.logy} onChange={(logy) => change({ logy })} />
      </div>
      <div class="legends">
        <ColorLegend axis={family.axisOf[coloured]} {...{ levels, dark }} />
        <div class="legend">
          <strong>Line</strong>
          <span>
            <LineSample color="currentColor" width={2} dash={measure.dash} /> {inSentence(measure.label)}
          </span>
        </div>
      </div>
      <PlotFigure
        label={`${measure.label} over training: ${listed(shown.slice(0, 12).map(({ title }) => title))}`}
        depends={[rows, banded, state.logx, state.logy, dark]}
        onDraw={(picture) => onDemand && showBandOfPointed(picture, shown)}
        options={(width) => {
          const names = named ? levels.map(({ label }) => label) : [];
          const room = roomOfNames(names);
          const across = Math.max(1, Math.min(titles.length, Math.floor(width / NARROWEST)));
          const place = (row) => titles.indexOf(row.panel);
          const facet =
            titles.length < 2
              ? {}
              : { fx: (row) => place(row) % across, fy: (row) => Math.floor(place(row) / across) };
          const wide = width / across;
          const height = Math.max(230, Math.min(430, wide * 0.45), room.height + 70);
          return {
            height: Math.max(1, Math.ceil(titles.length / across)) * height,
            marginTop: 26,
            marginLeft: 58,
            marginRight: Math.max(32, room.right),
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
            ...(facet.fx && { fx: { label: null, axis: null, padding: room.right ? 0.3 : 0.08 }, fy: { label: null, axis: null, padding: 0.16 } }),
            marks: [
              facet.fx &&
                Plot.text(
                  titles.map((panel) => ({ panel })),
                  { text: "panel", frameAnchor: "top", dy: -14, fontWeight: 600, fill: "var(--ink)", ...facet },
                ),
              ...shown.flatMap((line) => {
                const own = rows.filter((row) => row.line === line.title);
                const look = { stroke: line.color, strokeWidth: 2, strokeDasharray: measure.dash };
                return [
                  banded &&
                    Plot.areaY(own, {
                      x: "time",
                      y1: "low",
                      y2: "high",
                      fill: line.color,
                      fillOpacity: 0.16,
                      className: onDemand ? "band on-demand" : "band",
                      ...facet,
                    }),
                  Plot.lineY(own, { x: "time", y: "mean", ...look, ...facet }),
                ];
              }),
              named && Plot.text(rows, Plot.selectLast({ x: "time", y: "mean", z: "line", text: "name", ...namesAtLines, ...facet })),
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
            ].filter(Boolean),
          };
        }}
      />
      <p class="muted">
        {pool
          ? `Each line is the mean over all cells with that ${inSentence(family.axisOf[pool].label)}, seed by seed; the band is its 95% interval (Student's t) over the seeds' means.`
          : "Each line is the mean over the seeds of a cell; the band is its 95% interval (Student's t). Brushes below choose the cells."}{" "}
        {!pool && untold(vary.filter((axis) => axis !== color && !panels.includes(axis)), family)}
        {onDemand && "Of so many lines, only the one that is pointed at shows its band. "}
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

/** Axes told by panels: as many as there is room for. */
function panelAxes(axes, study, family) {
  let count = 1;
  return axes.filter((axis) => {
    const { length } = levelsOf(axis, study.cells, family);
    const fits = count * length <= MAX_PANELS;
    if (fits) count *= length;
    return fits;
  });
}

function cellLines(cells, study, family, color, panels, measure, dark) {
  const levels = levelsOf(color, study.cells, family);
  return cells
    .filter((cell) => family.curvePlace.has(cell))
    .map((cell) => ({
      title: family.title(cell, study.vary),
      name: family.level(cell, color).label,
      color: colorAmong(family.level(cell, color), levels, dark),
      panel: panels.map((axis) => wordsOf(family.level(cell, axis))).join(", "),
      points: family.curve(cell, measure.name),
    }));
}

function pooledLines(study, family, axis, measure, dark) {
  const levels = levelsOf(axis, study.cells, family);
  return [...family.pooledCurves(study, axis, measure.name)].map(([number, points]) => {
    const level = family.axisOf[axis].levels[number];
    return {
      title: level.label,
      name: level.label,
      color: colorAmong(level, levels, dark),
      panel: "",
      points,
    };
  });
}

/** Of many lines, show the band of the one that the pointer is on. */
function showBandOfPointed(picture, lines) {
  const bands = [...picture.querySelectorAll(".band")];
  picture.addEventListener("input", () => {
    bands.forEach((band, i) => band.classList.toggle("seen", lines[i].title === picture.value?.line));
  });
}

function levelsOf(axis, cells, family) {
  const present = new Set(cells.map((cell) => family.level(cell, axis)));
  return family.axisOf[axis].levels.filter((level) => present.has(level));
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
