// Hyperparameters against metrics: a table, parallel coordinates, a scatter matrix.

import { scaleLinear, scaleLog, scalePoint } from "d3-scale";
import { useMemo, useRef, useState } from "preact/hooks";
import { readableColor } from "../shared/colors.js";
import { DataTable } from "../shared/DataTable.jsx";
import { counted, formatNumber } from "../shared/format.js";
import { ParallelCoordinates, insideBrushes } from "../shared/ParallelCoordinates.jsx";
import { ticksOf } from "../shared/ticks.js";
import { useWidth } from "../shared/useWidth.js";
import { Choice } from "./Scalars.jsx";
import { extent, isDrawable, mean, padded } from "./curves.js";

const FIRST_METRICS = 4;
// Viridis: even steps look even, also to colour-blind readers.
const RAMP = ["#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725"];

/** Rows (runs, or trials with means over their runs) and the axes they have. */
export function hparamRows(index, scalars, runs, by) {
  const { names, metrics } = index.hparams;
  const places = new Map(index.scalars.map(({ tag }, i) => [tag, i]));
  const taken = new Set(names.map(({ name }) => name));
  const measures = metrics
    .filter(({ tag }) => places.has(tag))
    .map(({ tag, label, group }) => {
      const path = group ? `${group}/${tag}` : tag;
      return {
        name: taken.has(path) ? `metric ${path}` : path,
        label: label || path,
        kind: "number",
        metric: true,
        // A session may have its metric in a run of its own, below its folder.
        last: (session) => {
          const name = group ? `${session.name}/${group}` : session.name;
          const run = runs.find((other) => other.name === name)?.index;
          const series = scalars[places.get(tag)].find((points) => points.run === run);
          return series?.value[series.value.length - 1];
        },
      };
    });
  const members = new Map();
  for (const run of runs.filter(({ hparams }) => hparams)) {
    const key = by === "trial" ? run.group : run.name;
    if (!members.has(key)) members.set(key, []);
    members.get(key).push(run);
  }
  const rows = [...members].map(([id, all]) => {
    const values = {};
    for (const { name } of names) {
      const own = new Set(all.map(({ hparams }) => hparams[name]));
      // What differs within a trial, such as the seed, has no one value there.
      if (own.size === 1) values[name] = [...own][0] ?? null;
      else values[name] = null;
    }
    for (const { name, last } of measures) {
      const found = all.map(last).filter((value) => value !== undefined);
      values[name] = found.length ? mean(found) : null;
    }
    values.runs = all.length;
    return {
      id,
      label: by === "trial" ? all[0].groupLabel : all[0].label,
      values,
      color: all[0].color,
      runs: all.map(({ index: i }) => i),
    };
  });
  const used = names.filter(
    ({ name }) => by === "run" || rows.some(({ values }) => values[name] !== null),
  );
  const axes = [...used.map((name) => ({ ...name, label: name.name })), ...measures].map((axis) => {
    const values = rows.map(({ values: all }) => all[axis.name]).filter(Number.isFinite);
    const log =
      axis.kind === "number" && values.length > 0 && Math.min(...values) > 0 &&
      Math.max(...values) >= 100 * Math.min(...values);
    const different = new Set(rows.map(({ values: all }) => String(all[axis.name] ?? "")));
    // An optimizer's own setting may have one value, and be missing elsewhere.
    const present = new Set(different).delete("") ? different.size - 1 : different.size;
    return { ...axis, log, varies: different.size > 1, several: present > 1 };
  });
  return { axes, rows };
}

export function HParams({ runs, rows: { axes, rows }, checked, matching, state, change, dark }) {
  const [highlighted, setHighlighted] = useState(null);
  const seeds = new Set(runs.map(({ group }) => group)).size < runs.length;
  const constant = axes.filter(({ varies, metric }) => !varies && !metric);
  const choosable = axes.filter(({ varies, metric }) => varies || metric);
  const standard = [
    ...choosable.filter(({ metric, several }) => !metric && several),
    ...choosable.filter(({ metric }) => metric).slice(0, FIRST_METRICS),
  ].map(({ name }) => name);
  const names = state.axes.length ? state.axes : standard;
  const shownAxes = useMemo(
    () => choosable.filter(({ name }) => names.includes(name)),
    [axes, JSON.stringify(names)],
  );
  const matched = useMemo(() => new Set(matching.map(({ index }) => index)), [matching]);
  const painted = useMemo(() => paint(rows, axes, state.color, dark), [rows, axes, state.color, dark]);
  const listed = useMemo(
    () => painted.filter((row) => row.runs.some((run) => matched.has(run))),
    [painted, matched],
  );
  const drawn = useMemo(
    () => listed.filter((row) => row.runs.some((run) => checked.has(run))),
    [listed, checked],
  );
  const inside = useMemo(
    () => listed.filter((row) => insideBrushes(row.values, state.brushes, axes)),
    [listed, state.brushes, axes],
  );
  const pick = (ids) => {
    const wanted = new Set(rows.filter(({ id }) => ids.includes(id)).flatMap((row) => row.runs));
    const reach = new Set(inside.flatMap((row) => row.runs));
    change({
      hidden: runs
        .filter(({ index, name }) => (reach.has(index) ? !wanted.has(index) : state.hidden.includes(name)))
        .map(({ name }) => name),
    });
  };
  // An axis that isn't seen has no brush either.
  const choose = (name, add) => {
    const { [name]: _, ...brushes } = state.brushes;
    const chosen = choosable
      .map((axis) => axis.name)
      .filter((other) => (other === name ? add : names.includes(other)));
    change({ axes: chosen, brushes });
  };
  const columns = [
    { name: "id", key: true, label: state.by === "trial" ? "Trial" : "Run", kind: "text", format: (_, row) => row.label },
    ...(state.by === "trial" && seeds ? [{ name: "runs", label: "Runs", kind: "number" }] : []),
    ...choosable,
    ...constant,
  ];
  const tableRows = useMemo(
    () => inside.map((row) => ({ ...row, values: { id: row.id, ...row.values } })),
    [inside],
  );
  const bar = axes.find(({ name }) => name === state.color);

  return (
    <>
      <div class="bar controls">
        {seeds && (
          <Choice
            label="A row per"
            options={[
              ["trial", "Trial (mean over its runs)"],
              ["run", "Run"],
            ]}
            value={state.by}
            onChange={(by) => change({ by, brushes: {} })}
          />
        )}
        <label class="field">
          Colour
          <select
            value={state.color}
            onChange={(event) => change({ color: event.currentTarget.value })}
          >
            <option value="">as the runs</option>
            {choosable
              .filter(({ kind }) => kind === "number")
              .map(({ name, label }) => (
                <option key={name} value={name}>
                  {label}
                </option>
              ))}
          </select>
        </label>
        {bar && <ColorBar axis={bar} rows={drawn} dark={dark} />}
        <details class="axes">
          <summary>
            Axes: {shownAxes.length} of {choosable.length}
          </summary>
          <div class="fields">
            {choosable.map(({ name, label }) => (
              <label key={name}>
                <input
                  type="checkbox"
                  checked={names.includes(name)}
                  onChange={(event) => choose(name, event.currentTarget.checked)}
                />{" "}
                {label}
              </label>
            ))}
          </div>
        </details>
      </div>
      <p class="muted">
        Metrics: the last value of a run
        {state.by === "trial" && seeds && ", as the mean over the runs of a trial"}.
        {constant.length > 0 && " The same in all: "}
        {constant
          .map(({ name }) => `${name} ${formatNumber(rows[0]?.values[name])}`)
          .join(", ")}
        {constant.length > 0 && "."}
      </p>
      <h2>Parallel coordinates</h2>
      {drawn.length === 0 && <p class="note">No run with hyperparameters is shown.</p>}
      <ParallelCoordinates
        axes={shownAxes}
        rows={drawn}
        brushes={state.brushes}
        onBrush={(brushes) => change({ brushes })}
        highlighted={highlighted}
        onHighlight={setHighlighted}
        label="Hyperparameters and metrics"
      />
      <h2>Table</h2>
      <p class="muted small">Checked rows are drawn; brushes leave out rows outside them.</p>
      <DataTable
        columns={columns}
        rows={tableRows}
        selected={inside
          .filter((row) => row.runs.some((run) => checked.has(run)))
          .map(({ id }) => id)}
        onSelect={pick}
        caption="Hyperparameters and metrics"
        file="hparams"
        view={{ sort: state.sort.length ? state.sort : null, filter: state.words }}
        onView={({ sort, filter }) => change({ sort: sort ?? [], words: filter })}
        highlighted={highlighted}
        onHighlight={setHighlighted}
      />
      <h2>Scatter matrix</h2>
      <ScatterMatrix
        across={shownAxes.filter(({ metric }) => !metric)}
        down={shownAxes.filter(({ metric }) => metric)}
        rows={drawn}
        isInside={(row) => insideBrushes(row.values, state.brushes, axes)}
        highlighted={highlighted}
        onHighlight={setHighlighted}
      />
    </>
  );
}

/** Rows with the colours of their runs, or of their values on an axis. */
function paint(rows, axes, name, dark) {
  const axis = axes.find((one) => one.name === name && one.kind === "number");
  if (!axis) return rows;
  const drawable = (value) => isDrawable(value, axis.log);
  const bounds = extent(rows.map(({ values }) => values[name]).filter(drawable));
  if (!bounds) return rows;
  const scale = (axis.log ? scaleLog : scaleLinear)(bounds, [0, 1]);
  const ramp = scaleLinear(
    RAMP.map((_, i) => i / (RAMP.length - 1)),
    rampOf(dark),
  );
  return rows.map((row) => ({
    ...row,
    color: drawable(row.values[name]) ? ramp(scale(row.values[name])) : "#8a8f98",
  }));
}

const rampOf = (dark) => RAMP.map((color) => readableColor(color, dark));

function ColorBar({ axis, rows, dark }) {
  const bounds = extent(rows.map(({ values }) => values[axis.name]).filter(Number.isFinite));
  return (
    bounds && (
      <span class="color-bar">
        {formatNumber(bounds[0])}
        <span style={{ background: `linear-gradient(90deg, ${rampOf(dark).join(", ")})` }} />
        {formatNumber(bounds[1])}
      </span>
    )
  );
}

const PANEL = 150;
const LEFT = 78;

function ScatterMatrix({ across, down, rows, isInside, highlighted, onHighlight }) {
  const holder = useRef();
  const available = useWidth(holder);
  if (!across.length || !down.length)
    return (
      <p class="note" ref={holder}>
        A scatter matrix needs a hyperparameter that varies and a metric among the axes.
      </p>
    );
  const size = Math.max(PANEL, Math.min(230, (available - LEFT - 20) / across.length));
  const width = LEFT + size * across.length + 20;
  const order = [...rows].sort(
    (a, b) => (a.id === highlighted) - (b.id === highlighted) || isInside(a) - isInside(b),
  );
  const scaleOf = ({ name, kind, log }, range) => {
    const values = rows.map((row) => row.values[name]);
    if (kind !== "number") {
      const texts = [...new Set(values.map((value) => String(value ?? "none")))].sort();
      const scale = scalePoint(texts, range).padding(0.5);
      return { at: (value) => scale(String(value ?? "none")), ticks: texts.map((text) => [scale(text), text]) };
    }
    const drawable = (value) => isDrawable(value, log);
    const bounds = padded(extent(values.filter(drawable)), log, 0.08);
    const scale = (log ? scaleLog : scaleLinear)(bounds, range);
    return {
      at: (value) => (drawable(value) ? scale(value) : null),
      ticks: ticksOf(scale, 4).map(({ at, text }) => [scale(at), text]),
    };
  };
  const columns = across.map((axis) => ({ ...axis, x: scaleOf(axis, [8, size - 16]) }));
  const slanted = columns.some(({ x }) => crowded(x.ticks, size));
  const bottom = slanted ? 78 : 36;
  const height = 150 * down.length + bottom + 8;
  return (
    <div ref={holder} class="wide" tabIndex={0} role="region" aria-label="Scatter matrix">
      <svg
        class="frame matrix"
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        style="max-width:none"
        role="img"
        aria-label={`${counted(rows.length, "point")}: ${down.map(({ label }) => label).join(", ")} against ${across.map(({ label }) => label).join(", ")}`}
      >
        {down.map((vertical, j) => {
          const y = scaleOf(vertical, [142, 8]);
          return (
            <g key={vertical.name} transform={`translate(0,${150 * j + 4})`}>
              <text class="axis-name" transform={`translate(12,75) rotate(-90)`} text-anchor="middle">
                {cut(vertical.label, 22)}
                <title>{vertical.label}</title>
              </text>
              {y.ticks.map(([at, text]) => (
                <text key={text} x={LEFT - 6} y={at} dy="0.32em" text-anchor="end">
                  {text}
                </text>
              ))}
              {columns.map((horizontal, i) => {
                const { x } = horizontal;
                return (
                  <g key={horizontal.name} transform={`translate(${LEFT + size * i},0)`}>
                    <rect class="panel" width={size - 8} height={142} y={4} />
                    {j === down.length - 1 && (
                      <>
                        {x.ticks.map(([at, text], k) => (
                          <text
                            key={text}
                            transform={`translate(${at},160)${slanted ? " rotate(-28)" : ""}`}
                            text-anchor={slanted ? "end" : "middle"}
                            data-tick={k}
                          >
                            {cut(text, 14)}
                          </text>
                        ))}
                        <text class="axis-name" x={size / 2 - 4} y={150 + bottom - 6} text-anchor="middle">
                          {cut(horizontal.label, Math.floor(size / 7))}
                          <title>{horizontal.label}</title>
                        </text>
                      </>
                    )}
                    {order.map((row) => {
                      const [cx, cy] = [
                        x.at(row.values[horizontal.name]),
                        y.at(row.values[vertical.name]),
                      ];
                      return (
                        cx !== null &&
                        cy !== null && (
                          <circle
                            key={row.id}
                            cx={cx}
                            cy={cy}
                            r={row.id === highlighted ? 7 : 4.5}
                            fill={row.color}
                            class={isInside(row) ? "inside" : "outside"}
                            onPointerEnter={() => onHighlight(row.id)}
                            onPointerLeave={() => onHighlight(null)}
                          >
                            <title>
                              {`${row.label}\n${horizontal.label} ${formatNumber(row.values[horizontal.name])}\n${vertical.label} ${formatNumber(row.values[vertical.name])}`}
                            </title>
                          </circle>
                        )
                      );
                    })}
                  </g>
                );
              })}
            </g>
          );
        })}
      </svg>
    </div>
  );
}

const cut = (text, longest) => (text.length > longest ? `${text.slice(0, longest - 1)}…` : text);

/** Whether the texts of ticks have no room side by side. */
const crowded = (ticks, size) =>
  ticks.reduce((sum, [, text]) => sum + Math.min(14, text.length) + 2, 0) * 6.4 > size;
