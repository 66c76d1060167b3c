// Distributions of tensors over steps: as quantile bands, as ridges, or as overlaid outlines.

import { scaleLinear, scaleTime } from "d3-scale";
import { area, line } from "d3-shape";
import { useMemo, useRef, useState } from "preact/hooks";
import { CopyButtons } from "../shared/CopyButtons.jsx";
import { saveText } from "../shared/download.js";
import { paleColor } from "../shared/colors.js";
import { counted, formatNumber } from "../shared/format.js";
import { Frame, marginsOf } from "../shared/Frame.jsx";
import { SHARE_NAMES, pointsOf, quantiles, rebin } from "../shared/histograms.js";
import { toCsv } from "../shared/tableText.js";
import { ticksOf } from "../shared/ticks.js";
import { useWidth } from "../shared/useWidth.js";
import { CardHead } from "./ScalarCard.jsx";
import { Breakable } from "../shared/Breakable.jsx";
import { Choice } from "./Scalars.jsx";
import { Swatch } from "./RunsPanel.jsx";
import { TagFilter, TagGroups } from "./TagGroups.jsx";
import { extent, nearest, padded, unitOf } from "./curves.js";
import { useBlock } from "./data.js";
import { fileName, savePicture } from "./picture.js";

const MAX_RIDGES = 120;
const BINS = 30;
const EVERY = "*";

export function Histograms({ index, visible, state, change, tab, dark }) {
  const shown = [...visible.values()];
  const chosen = shown.filter(({ name }) => state.run === EVERY || name === state.run);
  const drawn = chosen.length ? chosen : shown.slice(0, 1);
  return (
    <>
      <div class="bar controls">
        <label class="field">
          Run
          <select
            value={state.run === EVERY ? EVERY : (drawn[0]?.name ?? "")}
            onChange={(event) => change({ run: event.currentTarget.value })}
          >
            {shown.map(({ name, label }) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
            {shown.length > 1 && <option value={EVERY}>all {shown.length} runs shown</option>}
          </select>
        </label>
        {tab === "histograms" && (
          <Choice
            label="Mode"
            options={[
              ["offset", "Offset"],
              ["overlay", "Overlay"],
            ]}
            value={state.ridges}
            onChange={(ridges) => change({ ridges })}
          />
        )}
        {(tab === "distributions" || state.ridges === "offset") && (
          <Choice
            label={tab === "histograms" ? "Offset by" : "Horizontal axis"}
            options={[
              ["step", "Step"],
              ["relative", "Relative"],
              ["wall", "Wall"],
            ]}
            value={state.axis}
            onChange={(axis) => change({ axis, zoom: {} })}
          />
        )}
        <TagFilter state={state} change={change} />
      </div>
      <p class="muted">
        {tab === "histograms"
          ? `Drawn in ${BINS} equal bins, a bucket shared among bins by overlap; the CSV file has the event file’s own buckets.`
          : "Bands: lowest to highest value, and the middle 86%, 68% and 38%, for a normal distribution three, two and one standard deviations wide; line: median. Interpolated within buckets, as TensorBoard does."}{" "}
        The slider’s step holds for all cards.
      </p>
      <TagGroups
        tags={index.histograms}
        state={state}
        change={change}
        several={drawn.length > 1}
        card={({ tag, label, description, index: place }) => (
          <HistogramCards
            {...{ tag, label, description, place, drawn, state, change, dark }}
            View={tab === "distributions" ? Bands : state.ridges === "overlay" ? Overlay : Ridges}
          />
        )}
      />
    </>
  );
}

function HistogramCards({ tag, label, description, place, drawn, state, change, View, dark }) {
  const block = useBlock(`histograms-${place}`);
  if (!block) return <p class="muted empty card">Reading…</p>;
  const found = drawn
    .map((run) => [run, block.series.find((series) => series.run === run.index)])
    .filter(([, series]) => series && series.step.length);
  if (!found.length)
    return (
      <article class="card" data-tag={tag}>
        <CardHead {...{ tag, label, description, state, change }} />
        <p class="muted empty">The run has no values of this tag.</p>
      </article>
    );
  return found.map(([run, series]) => (
    <HistogramCard
      key={run.index}
      {...{ tag, label, description, run, series, state, change, View, dark }}
    />
  ));
}

function HistogramCard({ tag, label, description, run, series, state, change, View, dark }) {
  const holder = useRef();
  const svg = useRef();
  const width = useWidth(holder);
  const height = state.wide.includes(tag) ? 440 : 280;
  const points = useMemo(() => pointsOf(series), [series]);
  const current = state.step < 0 ? points.length - 1 : nearest(series.step, state.step);
  const point = points[current];
  const show = (i) => change({ step: i === points.length - 1 ? -1 : points[i].step });
  const total = point.count.reduce((sum, part) => sum + part, 0);
  return (
    <article class="card histogram" ref={holder} data-tag={tag} data-run={run.name}>
      <CardHead {...{ tag, label, description, state, change }}>
        <button
          type="button"
          aria-label={`Download ${tag} as CSV`}
          onClick={() =>
            saveText(`${fileName(tag)}.csv`, "text/csv", bucketsCsv(points))
          }
        >
          CSV
        </button>
        <button
          type="button"
          aria-label={`Download ${tag} as SVG`}
          onClick={() => savePicture(svg.current, tag, [run])}
        >
          SVG
        </button>
      </CardHead>
      <p class="of-run small">
        <Swatch color={run.color} dash={run.dash} /> <Breakable text={run.label} />
      </p>
      {width > 0 && (
        <View {...{ points, run, current, show, width, height, svg, tag, dark }} axis={state.axis} />
      )}
      <label class="step">
        <span class="only-read">Step of {tag}</span>
        <input
          type="range"
          min="0"
          max={points.length - 1}
          value={current}
          aria-valuetext={`step ${formatNumber(point.step)}`}
          onInput={(event) => show(Number(event.currentTarget.value))}
        />
        <output>
          step {formatNumber(point.step)} · {counted(total, "value")}
        </output>
      </label>
      <Numbers point={point} />
      {series.of > points.length && (
        <p class="muted small">
          {points.length.toLocaleString("en-US")} of {series.of.toLocaleString("en-US")} steps are in
          this page.
        </p>
      )}
    </article>
  );
}

/** The quantiles and the buckets of one step as numbers. */
function Numbers({ point }) {
  const [open, setOpen] = useState(false);
  const values = quantiles(point);
  return (
    <>
      <dl class="quantiles">
        {SHARE_NAMES.map((name, i) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{formatNumber(values[i], 3)}</dd>
          </div>
        ))}
      </dl>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary class="small">{counted(point.count.length, "bucket")} of this step</summary>
        {open && (
          <div class="bar small">
            <CopyButtons read={() => bucketsTable(point)} what="the buckets" />
          </div>
        )}
        {open && (
          <div class="table-scroll small" tabIndex={0} role="region" aria-label="Buckets">
            <table class="buckets">
              <thead>
                <tr>
                  {BUCKET_HEADS.map((head) => (
                    <th scope="col" key={head}>
                      {head}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {bucketsTable(point).texts.map((texts, i) => (
                  <tr key={i}>
                    {texts.map((text, column) => (
                      <td key={column}>{text}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </details>
    </>
  );
}

const BUCKET_HEADS = ["From", "To", "Count"];

/** The buckets of a step, as the buttons that copy them want them. */
function bucketsTable({ left, right, count }) {
  const values = Array.from(count, (part, i) => [left[i], right[i], part]);
  return {
    heads: BUCKET_HEADS,
    names: ["left", "right", "count"],
    numbers: [true, true, true],
    values,
    texts: values.map(([from, to, part]) => [formatNumber(from, 5), formatNumber(to, 5), formatNumber(part, 9)]),
  };
}

function bucketsCsv(points) {
  const rows = points.flatMap(({ step, wall, left, right, count }) =>
    Array.from(count, (part, i) => [step, wall, left[i], right[i], part]),
  );
  return toCsv(["step", "wall_time", "left", "right", "count"], rows);
}

/** Outlines of all steps in the same bins. */
function useOutlines(points) {
  return useMemo(() => {
    const filled = points.filter(({ count }) => count.length);
    const bounds = extent(filled.flatMap(({ left, right }) => [left[0], right[right.length - 1]]));
    const [low, high] = bounds && bounds[0] < bounds[1] ? bounds : padded(bounds);
    const outlines = points.map((point) => rebin(point, low, high, BINS));
    return { low, high, outlines, most: Math.max(1e-12, ...outlines.map((one) => Math.max(...one))) };
  }, [points]);
}

/** Evenly spaced places, the last and a given one always among them. */
function thin(length, most, current) {
  if (length <= most) return Array.from({ length }, (_, i) => i);
  const every = Array.from({ length: most }, (_, i) => Math.round((i * (length - 1)) / (most - 1)));
  return [...new Set([...every, current])].sort((a, b) => a - b);
}

function outlinePath({ low, high, x, y, base, close }, outline) {
  const width = (high - low) / BINS;
  const tops = Array.from(outline, (count, i) => [x(low + (i + 0.5) * width), y(count)]);
  const ends = [
    [x(low), base],
    [x(high), base],
  ];
  const points = [ends[0], ...tops, ends[1]];
  return line().digits(2)(points) + (close ? "Z" : "");
}

/** Where steps stand along the offset: {scale, label}. */
function offsetOf(points, axis, range) {
  const times = points.map(({ wall }) => wall);
  if (axis === "wall")
    return {
      at: (point) => new Date(point.wall * 1000),
      scale: scaleTime(extent(times).map((time) => new Date(time * 1000)), range),
      label: "Wall time",
    };
  const unit = unitOf(times[times.length - 1] - times[0]);
  const at =
    axis === "step" ? ({ step }) => step : ({ wall }) => (wall - times[0]) / unit.seconds;
  const bounds = extent(points.map(at));
  const label = axis === "step" ? "Step" : `Relative time (${unit.name})`;
  return { at, scale: scaleLinear(bounds[0] < bounds[1] ? bounds : padded(bounds), range), label };
}

function Ridges({ points, run, current, show, width, height, svg, axis, tag, dark }) {
  const { low, high, outlines, most } = useOutlines(points);
  const [hover, setHover] = useState(null);
  const offset = offsetOf(points, axis, [height * 0.36, height - 30]);
  const labels = ticksOf(offset.scale, 5, axis === "step");
  const room = 16 + 6.6 * Math.max(2, ...labels.map(({ text }) => text.length));
  const margins = { ...marginsOf(null, height, { left: 14, xLabel: false }), right: room };
  const x = scaleLinear([low, high], [margins.left, width - margins.right]);
  const lift = height * 0.3;
  const places = thin(points.length, MAX_RIDGES, current);
  const baseline = (i) => offset.scale(offset.at(points[i]));
  const find = (event) => {
    const y = event.clientY - svg.current.getBoundingClientRect().top;
    return places.reduce((a, b) => (Math.abs(baseline(b) - y) < Math.abs(baseline(a) - y) ? b : a));
  };
  const draw = (i, kind) => (
    <path
      key={`${kind}${i}`}
      class={kind}
      data-step={points[i].step}
      d={outlinePath(
        {
          low,
          high,
          x,
          y: (count) => baseline(i) - (lift * count) / most,
          base: baseline(i),
          close: true,
        },
        outlines[i],
      )}
      style={
        kind === "ridge"
          ? { fill: paleColor(run.color, 0.25 + (0.6 * i) / Math.max(1, points.length - 1), dark) }
          : undefined
      }
    />
  );
  const strong = hover ?? current;
  return (
    <>
      <Frame
        {...{ x, width, height, margins }}
        ref={svg}
        role="img"
        aria-label={`${tag}: histograms of ${counted(points.length, "step")}, one behind the other`}
        onPointerMove={(event) => setHover(find(event))}
        onPointerLeave={() => setHover(null)}
        onClick={(event) => show(find(event))}
        over={
          <g class="offsets">
            {labels.map(({ at, text }) => (
              <text key={text} x={width - room + 8} y={offset.scale(at)} dy="0.32em">
                {text}
              </text>
            ))}
            <text x={width - 2} y={height * 0.36 - 16} text-anchor="end">
              {offset.label}
            </text>
          </g>
        }
      >
        {places.map((i) => draw(i, "ridge"))}
        {draw(strong, "strong")}
      </Frame>
      {places.length < points.length && (
        <p class="muted small">
          {places.length} of {points.length} steps are drawn; the slider reaches all.
        </p>
      )}
    </>
  );
}

function Overlay({ points, run, current, show, width, height, svg, tag, dark }) {
  const { low, high, outlines, most } = useOutlines(points);
  const [hover, setHover] = useState(null);
  const y = scaleLinear([0, most * 1.05], [height, 0]);
  const margins = marginsOf(y, height, { xLabel: false });
  y.range([height - margins.bottom, margins.top]);
  const x = scaleLinear([low, high], [margins.left, width - margins.right]);
  const places = thin(points.length, MAX_RIDGES, current);
  const strong = hover ?? current;
  const draw = (i, kind) => (
    <path
      key={`${kind}${i}`}
      class={kind}
      fill="none"
      data-step={points[i].step}
      d={outlinePath({ low, high, x, y, base: y(0) }, outlines[i])}
      style={
        kind === "outline"
          ? { stroke: paleColor(run.color, 0.2 + (0.7 * i) / Math.max(1, points.length - 1), dark) }
          : undefined
      }
      onPointerEnter={() => setHover(i)}
      onPointerLeave={() => setHover(null)}
      onClick={() => show(i)}
    />
  );
  return (
    <Frame
      {...{ x, y, width, height, margins }}
      ref={svg}
      role="img"
      aria-label={`${tag}: histograms of ${counted(points.length, "step")}, overlaid`}
    >
      {places.map((i) => draw(i, "outline"))}
      {draw(strong, "strong")}
    </Frame>
  );
}

function Bands({ points, run, current, show, width, height, svg, axis, tag, dark }) {
  const values = useMemo(() => points.map(quantiles), [points]);
  const y = scaleLinear(padded(extent(values.flat())), [height, 0]);
  const margins = marginsOf(y, height);
  y.range([height - margins.bottom, margins.top]);
  const offset = offsetOf(points, axis, [margins.left, width - margins.right]);
  const px = (i) => offset.scale(offset.at(points[i]));
  const band = (low, high) =>
    area()
      .x((_, i) => px(i))
      .y0((row) => y(row[low]))
      .y1((row) => y(row[high]))
      .digits(2)(values);
  const edge = (k) =>
    line()
      .x((_, i) => px(i))
      .y((row) => y(row[k]))
      .digits(2)(values);
  const pick = (event) => {
    const at = event.clientX - svg.current.getBoundingClientRect().left;
    return points.reduce((a, _, b) => (Math.abs(px(b) - at) < Math.abs(px(a) - at) ? b : a), 0);
  };
  return (
    <Frame
      {...{ y, width, height, margins }}
      x={offset.scale}
      xLabel={offset.label}
      whole={axis === "step"}
      ref={svg}
      role="img"
      aria-label={`${tag}: quantiles over ${counted(points.length, "step")}`}
      onClick={(event) => show(pick(event))}
    >
      {[0, 1, 2, 3].map((k) => (
        <path
          key={k}
          class="share"
          d={band(k, 8 - k)}
          style={{ fill: paleColor(run.color, 0.16 + 0.17 * k, dark) }}
        />
      ))}
      {values[0].map((_, k) => (
        <path
          key={k}
          class={k === 4 ? "median" : "edge"}
          data-share={SHARE_NAMES[k]}
          d={edge(k)}
          fill="none"
          stroke={run.color}
        />
      ))}
      <line class="here" x1={px(current)} x2={px(current)} y1={margins.top} y2={height - margins.bottom} />
    </Frame>
  );
}
