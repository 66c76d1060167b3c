// One tag: a line per run or trial, with cursor, zoom and downloads.

import { extent as extentOf } from "d3-array";
import { scaleLinear, scaleLog, scaleTime } from "d3-scale";
import { area, line } from "d3-shape";
import { useMemo, useRef, useState } from "preact/hooks";
import { Breakable } from "../shared/Breakable.jsx";
import { saveText } from "../shared/download.js";
import { counted, formatDuration, formatNumber } from "../shared/format.js";
import { Frame, marginsOf } from "../shared/Frame.jsx";
import { toCsv } from "../shared/tableText.js";
import { useWidth } from "../shared/useWidth.js";
import { Swatch } from "./RunsPanel.jsx";
import {
  extentOfValues,
  isDrawable,
  linesOfRuns,
  linesOfTrials,
  nearest,
  padded,
  unitOf,
  weightFor,
} from "./curves.js";
import { fileName, savePicture } from "./picture.js";

const SMALLEST_DRAG = 8;
const READ_AT_MOST = 60;

/** Header of a card: the tag, what it is, and buttons. */
export function CardHead({ tag, label, description, state, change, children }) {
  const wide = state.wide.includes(tag);
  const toggle = () =>
    change({ wide: wide ? state.wide.filter((name) => name !== tag) : [...state.wide, tag] });
  return (
    <header>
      <h3 title={tag}>
        <Breakable text={label ?? tag} />
      </h3>
      <span class="tools">
        {children}
        <button
          type="button"
          aria-pressed={wide}
          aria-label={`${tag} over the whole width`}
          title="Over the whole width"
          onClick={toggle}
        >
          ⤢
        </button>
      </span>
      {description && <p class="muted description">{description}</p>}
    </header>
  );
}

export function ScalarCard({ tag, label, description, series, state, change, visible }) {
  const holder = useRef();
  const width = useWidth(holder);
  const wide = state.wide.includes(tag);
  const height = wide ? 420 : 250;
  const { axis, trials, band, outliers } = state;
  const weight = weightFor(series, state.smooth);
  const log = state.log !== state.logTags.includes(tag);
  const lines = useMemo(
    () => (trials ? linesOfTrials : linesOfRuns)(series, visible, { axis, weight, band }),
    [series, visible, axis, weight, trials, band],
  );
  const zoom = state.zoom[tag] ?? [null, null];
  const setZoom = (part) => {
    const { [tag]: _, ...others } = state.zoom;
    change({ zoom: part ? { ...others, [tag]: part } : others });
  };
  const plane = useMemo(
    () => makePlane({ lines, axis, log, outliers, zoom, width, height }),
    [lines, axis, log, outliers, JSON.stringify(zoom), width, height],
  );
  const svg = useRef();
  const [of, kept] = lines.length && !trials ? thinning(series, visible) : [0, 0];

  return (
    <article class="card scalar" ref={holder} data-tag={tag}>
      <CardHead {...{ tag, label, description, state, change }}>
        {state.zoom[tag] && (
          <button type="button" onClick={() => setZoom(null)}>
            Reset zoom
          </button>
        )}
        <button
          type="button"
          aria-pressed={log}
          aria-label={`Log scale of ${tag}`}
          onClick={() =>
            change({
              logTags: state.logTags.includes(tag)
                ? state.logTags.filter((name) => name !== tag)
                : [...state.logTags, tag],
              zoom: Object.fromEntries(Object.entries(state.zoom).filter(([name]) => name !== tag)),
            })
          }
        >
          log
        </button>
        <button
          type="button"
          aria-label={`Download ${tag} as CSV`}
          onClick={() =>
            saveText(`${fileName(tag)}.csv`, "text/csv", trials ? trialsCsv(lines) : runsCsv(lines))
          }
        >
          CSV
        </button>
        <button
          type="button"
          aria-label={`Download ${tag} as SVG`}
          onClick={() => savePicture(svg.current, tag, lines)}
        >
          SVG
        </button>
      </CardHead>
      {lines.length === 0 ? (
        <p class="muted empty" style={{ minHeight: `${height}px` }}>
          No run that is shown has this tag.
        </p>
      ) : (
        width > 0 && (
          <Chart {...{ tag, lines, plane, width, height, log, axis, trials, setZoom, zoom, svg }} />
        )
      )}
      {weight > 0 && lines.length > 0 && (
        <p class="muted small">Smoothed with weight {weight}; pale: as recorded.</p>
      )}
      {kept < of && (
        <p class="muted small">
          {kept.toLocaleString("en-US")} of {of.toLocaleString("en-US")} points are in this page.
        </p>
      )}
    </article>
  );
}

function thinning(series, visible) {
  const drawn = series.filter(({ run }) => visible.has(run));
  const sum = (part) => drawn.reduce((total, points) => total + part(points), 0);
  return [sum(({ of, value }) => Math.max(of ?? 0, value.length)), sum(({ value }) => value.length)];
}

/** Scales, paths and marks of the lines in a width and height. */
function makePlane({ lines, axis, log, outliers, zoom, width, height }) {
  const yDomain = zoom[1] ?? padded(extentOfValues(lines, { outliers, log }), log);
  const y = (log ? scaleLog : scaleLinear)(yDomain, [height, 0]);
  const margins = marginsOf(y, height);
  y.range([height - margins.bottom, margins.top]);
  const xs = lines.flatMap((one) => extentOf(one.x));
  const xDomain = zoom[0] ?? padded(xs.length ? extentOf(xs) : null, false, 0.02);
  const range = [margins.left, width - margins.right];
  const unit = axis === "relative" ? unitOf(xDomain[1] - xDomain[0]) : { seconds: 1 };
  const x =
    axis === "wall"
      ? scaleTime(xDomain.map((time) => new Date(time * 1000)), range)
      : scaleLinear(xDomain.map((value) => value / unit.seconds), range);
  const factor = axis === "wall" ? 1000 : 1 / unit.seconds;
  const px = (value) => x(value * factor);
  const drawable = (value) => isDrawable(value, log);
  const shape = (one, column) =>
    line()
      .defined((_, i) => drawable(one[column][i]))
      .x((_, i) => px(one.x[i]))
      .y((_, i) => y(one[column][i]))
      .digits(2)(one.x);
  const paths = lines.map((one) => ({
    ...one,
    main: shape(one, "value"),
    faint: shape(one, "raw"),
    band:
      one.low &&
      area()
        .defined((_, i) => drawable(one.high[i]))
        .x((_, i) => px(one.x[i]))
        .y0((_, i) => y(log && one.low[i] <= 0 ? yDomain[0] : one.low[i]))
        .y1((_, i) => y(one.high[i]))
        .digits(2)(one.x),
    ...marksOf(one, drawable, px, y, margins, height),
  }));
  const label = { step: "Step", wall: "Wall time", relative: `Relative time (${unit.name})` }[axis];
  const left = log
    ? lines.reduce((sum, one) => sum + one.value.filter((value) => value <= 0).length, 0)
    : 0;
  return {
    x,
    y,
    px,
    margins,
    paths,
    label,
    left,
    invertX: (pixel) => Number(x.invert(pixel)) / factor,
    // Where the cursor can stand.
    stops: Float64Array.from(new Set(lines.flatMap((one) => Array.from(one.x)))).sort(),
  };
}

/** Dots for points without neighbours to join, triangles for values that aren't finite. */
function marksOf(one, drawable, px, y, margins, height) {
  const dots = [];
  const odd = [];
  let last = null;
  const bottom = height - margins.bottom;
  for (let i = 0; i < one.value.length; i++) {
    const value = one.value[i];
    if (drawable(value)) {
      last = y(value);
      const joined = [i - 1, i + 1].some((k) => k in one.value && drawable(one.value[k]));
      if (!joined) dots.push([px(one.x[i]), last]);
    } else if (!isDrawable(value)) {
      const place = value > 0 ? margins.top + 6 : value < 0 ? bottom - 6 : (last ?? bottom - 6);
      odd.push({
        x: px(one.x[i]),
        y: Math.min(bottom - 6, Math.max(margins.top + 6, place)),
        down: value < 0,
        text: `${one.label}: ${formatNumber(value)} at step ${formatNumber(one.step[i])}`,
      });
    }
  }
  return { dots, odd };
}

function Chart({ tag, lines, plane, width, height, log, axis, trials, setZoom, zoom, svg }) {
  const { px, y, margins, paths, stops } = plane;
  const [cursor, setCursor] = useState(null);
  const [drag, setDrag] = useState(null);
  const bottom = height - margins.bottom;
  const inside = (event) => {
    const box = svg.current.getBoundingClientRect();
    const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
    return [
      clamp(event.clientX - box.left, margins.left, width - margins.right),
      clamp(event.clientY - box.top, margins.top, bottom),
    ];
  };
  const down = (event) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const at = inside(event);
    setDrag([at, at]);
  };
  const move = (event) => {
    const at = inside(event);
    if (drag) setDrag([drag[0], at]);
    setCursor({ at: stops[nearest(stops, plane.invertX(at[0]))], byKey: false });
  };
  const up = () => {
    if (drag) {
      const [[x0, y0], [x1, y1]] = drag;
      const across = Math.abs(x1 - x0) >= SMALLEST_DRAG;
      const along = Math.abs(y1 - y0) >= SMALLEST_DRAG;
      if (across || along)
        setZoom([
          across ? [x0, x1].sort((a, b) => a - b).map(plane.invertX).map(short) : zoom[0],
          along ? [y0, y1].sort((a, b) => b - a).map(y.invert).map(short) : zoom[1],
        ]);
    }
    setDrag(null);
  };
  const onKey = (event) => {
    const place = cursor ? nearest(stops, cursor.at) : -1;
    const next = {
      ArrowRight: Math.min(stops.length - 1, place + 1),
      ArrowLeft: place < 0 ? stops.length - 1 : Math.max(0, place - 1),
      Home: 0,
      End: stops.length - 1,
    }[event.key];
    if (next !== undefined) setCursor({ at: stops[next], byKey: true });
    else if (event.key === "Escape" && cursor) setCursor(null);
    else if (event.key === "0") setZoom(null);
    else if (event.key === "+" || event.key === "-") setZoom([zoomed(event.key), zoom[1]]);
    else return;
    event.preventDefault();
  };
  const zoomed = (key) => {
    const [low, high] = [margins.left, width - margins.right].map(plane.invertX);
    const centre = cursor?.at ?? (low + high) / 2;
    const factor = key === "+" ? 0.5 : 2;
    return [centre - (centre - low) * factor, centre + (high - centre) * factor].map(short);
  };
  const readings = cursor ? readingsAt(lines, cursor) : [];

  return (
    <div
      class="chart"
      tabIndex={0}
      role="group"
      aria-label={`${tag}: ${counted(lines.length, "line")}; arrow keys move a cursor, plus and minus zoom, 0 resets`}
      onKeyDown={onKey}
      onBlur={() => setCursor(null)}
    >
      <Frame
        x={plane.x}
        y={y}
        {...{ width, height, margins }}
        xLabel={plane.label}
        whole={axis === "step"}
        ref={svg}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={() => setDrag(null)}
        onPointerLeave={() => !drag && setCursor(null)}
        onDblClick={() => setZoom(null)}
      >
        {paths.map((one) => one.band && <path key={one.key} class="band" d={one.band} fill={one.color} />)}
        {paths.map((one) => (
          <path key={one.key} class="raw" d={one.faint} stroke={one.color} fill="none" />
        ))}
        {paths.map((one) => (
          <path
            key={one.key}
            class="main"
            data-run={one.label}
            d={one.main}
            stroke={one.color}
            stroke-dasharray={trials ? undefined : one.dash}
            fill="none"
          />
        ))}
        {paths.map((one) =>
          one.dots.map(([cx, cy]) => (
            <circle key={`${one.key}-${cx}`} class="dot" cx={cx} cy={cy} r="3.5" fill={one.color} />
          )),
        )}
        {paths.map((one) =>
          one.odd.map((mark, i) => (
            <path
              key={`${one.key}-${i}`}
              class="odd"
              d={mark.down ? "M-5,-4H5L0,5Z" : "M-5,4H5L0,-5Z"}
              transform={`translate(${mark.x},${mark.y})`}
              fill={one.color}
            >
              <title>{mark.text}</title>
            </path>
          )),
        )}
        {cursor && !drag && (
          <g class="cursor">
            <line x1={px(cursor.at)} x2={px(cursor.at)} y1={margins.top} y2={bottom} />
            {readings.map(
              ({ key, x, value, color }) =>
                isDrawable(value, log) && (
                  <circle key={key} cx={px(x)} cy={y(value)} r="3.5" fill={color} />
                ),
            )}
          </g>
        )}
        {drag && <DragBox drag={drag} margins={margins} width={width} bottom={bottom} />}
      </Frame>
      {cursor && !drag && (
        <Readings
          {...{ readings, axis, trials, svg, height }}
          announce={cursor.byKey}
        />
      )}
      {plane.left > 0 && (
        <p class="muted small">
          {counted(plane.left, "value")} at or below zero {plane.left === 1 ? "has" : "have"} no place
          on a log scale.
        </p>
      )}
    </div>
  );
}

function DragBox({ drag, margins, width, bottom }) {
  let [[x0, y0], [x1, y1]] = drag;
  if (Math.abs(x1 - x0) < SMALLEST_DRAG) [x0, x1] = [margins.left, width - margins.right];
  if (Math.abs(y1 - y0) < SMALLEST_DRAG) [y0, y1] = [margins.top, bottom];
  return (
    <rect
      class="drag"
      x={Math.min(x0, x1)}
      y={Math.min(y0, y1)}
      width={Math.abs(x1 - x0)}
      height={Math.abs(y1 - y0)}
    />
  );
}

const short = (value) => Number(value.toPrecision(8));

/** What each line says at the cursor, largest value first. */
function readingsAt(lines, { at }) {
  const readings = lines
    .filter((one) => one.x.length)
    .map((one) => {
      const i = nearest(one.x, at);
      return {
        key: one.key,
        label: one.label,
        color: one.color,
        dash: one.dash,
        x: one.x[i],
        step: one.step[i],
        wall: one.wall[i],
        relative: one.wall[i] - one.wall[0],
        raw: one.raw[i],
        value: one.value[i],
        low: one.low?.[i],
        high: one.high?.[i],
        count: one.count?.[i],
      };
    });
  const rank = (value) => (Number.isNaN(value) ? Infinity : -value);
  return readings.sort((a, b) => {
    const [first, second] = [rank(a.value), rank(b.value)];
    return first === second ? 0 : first - second;
  });
}

function Readings({ readings, axis, trials, svg, height, announce }) {
  const drawn = readings.slice(0, READ_AT_MOST);
  // The box stays within the window: towards its middle, and on the side with more room.
  const { left, right, top, bottom } = svg.current.getBoundingClientRect();
  const side = left + right > innerWidth ? "right" : "left";
  const below = innerHeight - bottom >= Math.min(top, 60 + 19 * drawn.length);
  return (
    <div
      class={`readings ${axis === "step" ? "by-step" : ""}`}
      role={announce ? "status" : undefined}
      style={{ [side]: 0, ...(below ? { top: `${height - 22}px` } : { bottom: "100%" }) }}
    >
      <table>
        <thead>
          <tr>
            <th scope="col">{trials ? "Trial" : "Run"}</th>
            <th scope="col">{trials ? "Mean" : "Smoothed"}</th>
            {trials ? <th scope="col">Band</th> : <th scope="col">Value</th>}
            {trials && <th scope="col">n</th>}
            <th scope="col">Step</th>
            <th scope="col">{axis === "wall" ? "Wall time" : "Relative"}</th>
          </tr>
        </thead>
        <tbody>
          {drawn.map((one) => (
            <tr key={one.key}>
              <th scope="row">
                <Swatch color={one.color} dash={trials ? undefined : one.dash} />
                <Breakable text={one.label} />
              </th>
              <td>{formatNumber(one.value)}</td>
              {trials ? (
                <td>
                  {formatNumber(one.low)} to {formatNumber(one.high)}
                </td>
              ) : (
                <td>{formatNumber(one.raw)}</td>
              )}
              {trials && <td>{one.count}</td>}
              <td>{formatNumber(one.step)}</td>
              <td>
                {axis === "wall"
                  ? new Date(one.wall * 1000).toLocaleString("sv-SE")
                  : formatDuration(one.relative)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {drawn.length < readings.length && (
        <p class="small">
          The highest {drawn.length} of {readings.length}; the CSV file has all.
        </p>
      )}
    </div>
  );
}

function runsCsv(lines) {
  const rows = lines.flatMap((one) =>
    Array.from(one.step, (step, i) => [one.name, step, one.wall[i], one.raw[i], one.value[i]]),
  );
  return toCsv(["run", "step", "wall_time", "value", "smoothed"], rows);
}

function trialsCsv(lines) {
  const rows = lines.flatMap((one) =>
    Array.from(one.step, (step, i) => [
      one.group,
      step,
      one.count[i],
      one.raw[i],
      one.value[i],
      one.low[i],
      one.high[i],
    ]),
  );
  return toCsv(["trial", "step", "runs", "mean", "smoothed_mean", "low", "high"], rows);
}
