// Parallel coordinates: a line per row, an axis per quantity, brushes that choose rows.

import { brushY } from "d3-brush";
import { scaleLinear, scaleLog, scalePoint } from "d3-scale";
import { select } from "d3-selection";
import { line } from "d3-shape";
import { useEffect, useMemo, useRef } from "preact/hooks";
import "./components.css";
import { counted, every, formatNumber } from "./format.js";
import { useWidth } from "./useWidth.js";

const TOP = 62;
const HEIGHT = 250;
const NONE = 30;
const SIDE = 60;
const CLOSEST = 104;
const LETTER = 6.8; // pixels
const [SHORTEST, LONGEST] = [14, 28]; // letters of a tick's line, at least and at most
const LINE = 14; // pixels

/** Whether values lie within all brushes: [low, high] of a number, or a list of texts. */
export function insideBrushes(values, brushes, axes) {
  return axes.every(({ name, kind }) => {
    const brush = brushes[name];
    if (!brush) return true;
    if (kind !== "number") return brush.includes(textOf(values[name]));
    return values[name] >= brush[0] && values[name] <= brush[1];
  });
}

/** A value of a text or boolean axis as its brushes name it; missing values stay null. */
function textOf(value) {
  return value === null || value === undefined ? null : String(value);
}

/** Whether a value has no place on the axis. */
function absent(value, kind) {
  return kind === "number" ? !Number.isFinite(value) : textOf(value) === null;
}

/**
 * @param {Array<{name, label, kind: "number"|"text"|"boolean", log?, order?: string[]}>} axes
 *   order: in which texts stand from the top; without it, in that of the alphabet
 * @param {Array<{id, values: object, color: string}>} rows
 * @param {object} brushes by axis name: [low, high], or a list of texts (null: no value)
 * @param {(brushes: object) => void} onBrush
 * @param {*} [highlighted] id of a row that stands out
 * @param {(id) => void} [onHighlight] called with a line's id when the pointer is on it, else null
 */
export function ParallelCoordinates({
  axes,
  rows,
  brushes,
  onBrush,
  highlighted,
  onHighlight,
  label = "Parallel coordinates",
}) {
  const holder = useRef();
  const available = useWidth(holder);
  const places = useMemo(() => axes.map((axis) => placesOf(axis, rows)), [axes, rows]);
  // Texts stand to the left of their axis, broken into lines between words, but not within.
  const words = places.flatMap(({ ticks }) => ticks.flatMap(([, text]) => piecesOf(text)));
  const letters = Math.min(LONGEST, Math.max(SHORTEST, ...words.map((word) => word.trimEnd().length)));
  const longest = Math.max(0, ...(places[0]?.ticks ?? []).map(([, text]) => text.length));
  const left = Math.max(SIDE, 18 + LETTER * Math.min(longest, letters));
  const closest = Math.max(CLOSEST, 9 + LETTER * letters);
  const width = Math.max(available, left + SIDE + (axes.length - 1) * closest);
  const gap = axes.length > 1 ? (width - left - SIDE) / (axes.length - 1) : 0;
  const isActive = (row) => insideBrushes(row.values, brushes, axes);
  const active = rows.filter(isActive);
  const order = [...rows].sort(
    (a, b) => (a.id === highlighted) - (b.id === highlighted) || isActive(a) - isActive(b),
  );
  const path = (row) =>
    line()(
      axes.map((axis, i) => [left + i * gap, places[i].position(row.values[axis.name])]),
    );
  const someAbsent = axes.some((axis) => rows.some((row) => absent(row.values[axis.name], axis.kind)));
  const bottom = TOP + HEIGHT + (someAbsent ? NONE : 0) + 14;

  return (
    <div class="parallel-coordinates">
      <div class="bar">
        <output>
          {active.length === rows.length
            ? every(rows.length, "line")
            : `${active.length} of ${counted(rows.length, "line")} inside the brushes`}
        </output>
        <button
          type="button"
          disabled={Object.keys(brushes).length === 0}
          onClick={() => onBrush({})}
        >
          Clear all brushes
        </button>
      </div>
      <div ref={holder} class="wide" tabIndex={0} role="region" aria-label={label}>
        {available > 0 && axes.length > 0 && (
          <svg width={width} height={bottom} viewBox={`0 0 ${width} ${bottom}`} style="max-width:none">
            <title>{`${label}. Drag along an axis to choose lines; the fields below do the same.`}</title>
            <g class="lines" fill="none">
              {order.map((row) => (
                <path
                  key={row.id}
                  d={path(row)}
                  data-id={row.id}
                  stroke={row.color}
                  class={`${isActive(row) ? "active" : "faint"} ${row.id === highlighted ? "highlighted" : ""}`}
                  onPointerEnter={() => onHighlight?.(row.id)}
                  onPointerLeave={() => onHighlight?.(null)}
                >
                  <title>{String(row.label ?? row.id)}</title>
                </path>
              ))}
            </g>
            {axes.map((axis, i) => (
              <Axis
                key={axis.name}
                axis={axis}
                x={left + i * gap}
                room={i === 0 || i === axes.length - 1 ? Math.min(gap || width, 2 * SIDE) : gap}
                letters={letters}
                places={places[i]}
                brush={brushes[axis.name]}
                onBrush={(brush) => onBrush(withBrush(brushes, axis.name, brush))}
              />
            ))}
          </svg>
        )}
      </div>
      <details class="ranges">
        <summary>Brushes as fields</summary>
        <div class="fields">
          {axes.map((axis, i) => (
            <Fields
              key={axis.name}
              axis={axis}
              places={places[i]}
              brush={brushes[axis.name]}
              onBrush={(brush) => onBrush(withBrush(brushes, axis.name, brush))}
            />
          ))}
        </div>
      </details>
    </div>
  );
}

function withBrush(brushes, name, brush) {
  const { [name]: _, ...others } = brushes;
  return brush ? { ...others, [name]: brush } : others;
}

/** Where the values of an axis stand: {kind, position, ticks: [[value, text]], …}. */
function placesOf({ name, kind, log, order }, rows) {
  const values = rows.map((row) => row.values[name]);
  const none = TOP + HEIGHT + NONE;
  const someAbsent = values.some((value) => absent(value, kind));
  const range = [TOP + HEIGHT, TOP];
  if (kind !== "number") {
    const texts = [...new Set(values.map(textOf))]
      .filter((text) => text !== null)
      .sort((a, b) =>
        order ? order.indexOf(a) - order.indexOf(b) : a.localeCompare(b, "en", { numeric: true }),
      );
    const scale = scalePoint(texts, [TOP, TOP + HEIGHT]).padding(0.4);
    const position = (value) => (absent(value, kind) ? none : scale(textOf(value)));
    return { texts, someAbsent, position, ticks: texts.map((text) => [text, text]) };
  }
  const finite = values.filter(Number.isFinite);
  let [low, high] = [Math.min(...finite), Math.max(...finite)];
  if (!finite.length) [low, high] = [0, 1];
  const steps = log && low > 0 && high > low;
  const scale = steps ? scaleLog([low, high], range) : scaleLinear([low, high], range);
  if (low === high) scale.domain([low - 0.5, high + 0.5]);
  const ticks = low === high ? [low] : steps ? logTicks(low, high) : scale.ticks(5);
  return {
    low,
    high,
    someAbsent,
    position: (value) => (absent(value, kind) ? none : scale(value)),
    invert: scale.invert,
    ticks: ticks.map((value) => [value, formatNumber(value)]),
  };
}

/** Ends of a log axis and the powers of ten between them that keep a distance. */
function logTicks(low, high) {
  const powers = [];
  for (let power = Math.ceil(Math.log10(low)); power <= Math.log10(high); power++)
    powers.push(Number(`1e${power}`));
  const every = Math.ceil(powers.length / 6);
  const distance = Math.log10(high / low) / 12;
  const inner = powers.filter(
    (power, i) =>
      i % every === 0 &&
      Math.log10(power / low) > distance &&
      Math.log10(high / power) > distance,
  );
  return [low, ...inner, high];
}

function Axis({ axis, x, room, letters, places, brush, onBrush }) {
  const group = useRef();
  const latest = useRef();
  const numeric = axis.kind === "number";
  const bottom = TOP + HEIGHT + (!numeric && places.someAbsent ? NONE + 10 : 0);
  latest.current = (selection) => {
    if (!selection) return onBrush(null);
    const [top, low] = selection;
    if (numeric) return onBrush([places.invert(low), places.invert(top)].map(shorter(places)));
    const inside = [...places.texts, ...(places.someAbsent ? [null] : [])].filter((text) => {
      const y = places.position(text);
      return y >= top && y <= low;
    });
    onBrush(inside);
  };
  useEffect(() => {
    const drawn = brushY()
      .extent([
        [-14, TOP - 8],
        [14, bottom + 8],
      ])
      .on("brush end", (event) => {
        if (event.sourceEvent) latest.current(event.selection);
      });
    const node = select(group.current).call(drawn);
    node.property("drawn", () => drawn);
    return () => node.on(".brush", null).selectAll("*").remove();
  }, [places, bottom]);
  useEffect(() => {
    const node = select(group.current);
    // A gesture that goes on sets the brush itself.
    if (node.property("__brush")?.emitter?.active) return;
    node.call(node.property("drawn").move, selectionOf(brush, places, numeric));
  }, [brush, places, bottom]);

  const words = wrap(axis.label, Math.floor(room / 7.6));
  return (
    <g class="axis" transform={`translate(${x},0)`}>
      <text class="name" text-anchor="middle" y={TOP - 22 - (words.length - 1) * 14}>
        <title>{axis.label}</title>
        {words.map((text, i) => (
          <tspan key={i} x="0" dy={i ? 14 : 0}>
            {text}
          </tspan>
        ))}
      </text>
      <line y1={TOP} y2={TOP + HEIGHT} />
      <g ref={group} class="brush" data-axis={axis.name} />
      {places.ticks.map(([value, text]) => (
        <g key={value} class="tick" transform={`translate(0,${places.position(value)})`}>
          <line x2="-5" />
          <TickText
            {...{ text, letters }}
            lines={Math.max(1, Math.floor(HEIGHT / places.ticks.length / LINE))}
          />
        </g>
      ))}
      {places.someAbsent && (
        <g class="tick" transform={`translate(0,${TOP + HEIGHT + NONE})`}>
          <circle r="2.5" />
          <text x="-8" dy="0.32em" text-anchor="end">
            none
            <title>{numeric ? "no value, or none that is finite" : "no value"}</title>
          </text>
        </g>
      )}
    </g>
  );
}

function TickText({ text, letters, lines }) {
  const words = wrap(text, letters, lines);
  return (
    <text text-anchor="end">
      <title>{text}</title>
      {words.map((line, i) => (
        <tspan key={i} x="-8" dy={i ? "1.1em" : `${0.32 - 0.55 * (words.length - 1)}em`}>
          {line}
        </tspan>
      ))}
    </text>
  );
}

/** A bound with no more digits than a pixel needs; the ends of the axis stay exact. */
function shorter({ low, high }) {
  return (value) => {
    const bound = Math.min(high, Math.max(low, value));
    return bound === low || bound === high ? bound : Number(bound.toPrecision(6));
  };
}

function selectionOf(brush, places, numeric) {
  if (!brush) return null;
  if (numeric) {
    const [low, high] = [Math.max(brush[0], places.low), Math.min(brush[1], places.high)];
    if (!(low <= high)) return null;
    return [places.position(high), places.position(low) + (low === high ? 1 : 0)];
  }
  const held = brush.filter((text) => text === null || places.texts.includes(text));
  if (!held.length) return null;
  const all = [...places.texts, null].map(places.position);
  const inside = held.map(places.position);
  const [top, bottom] = [Math.min(...inside), Math.max(...inside)];
  // Texts that don't stand side by side can't be shown as one brush.
  const between = all.filter((y) => y >= top && y <= bottom).length;
  return between > held.length ? null : [top - 8, bottom + 8];
}

const piecesOf = (label) => label.split(/(?<=[\s/_.-])/);

/** A label in a few lines at most, broken at spaces and after separators. */
function wrap(label, longest, most = 3) {
  const lines = [""];
  for (const word of piecesOf(label)) {
    const last = lines[lines.length - 1];
    if (last && last.length + word.trimEnd().length > longest) lines.push(word);
    else lines[lines.length - 1] = last + word;
  }
  const cut = lines.slice(0, most);
  if (lines.length > most) cut[most - 1] += "…";
  return cut.map((text) =>
    text.trimEnd().length > longest + 1 ? `${text.slice(0, longest - 1)}…` : text.trimEnd(),
  );
}

function Fields({ axis, places, brush, onBrush }) {
  if (axis.kind === "number") {
    const set = (index, text) => {
      const bounds = [...(brush ?? [places.low, places.high])];
      bounds[index] = text === "" || Number.isNaN(Number(text)) ? [places.low, places.high][index] : Number(text);
      onBrush(bounds[0] === places.low && bounds[1] === places.high ? null : bounds);
    };
    return (
      <fieldset>
        <legend>{axis.label}</legend>
        {["least", "most"].map((end, index) => (
          <label key={end}>
            {end}{" "}
            <input
              type="number"
              step="any"
              placeholder={String([places.low, places.high][index])}
              value={brush ? brush[index] : ""}
              onChange={(event) => set(index, event.currentTarget.value)}
            />
          </label>
        ))}
      </fieldset>
    );
  }
  const all = [...places.texts, ...(places.someAbsent ? [null] : [])];
  const toggle = (text) => {
    const held = brush ?? all;
    const next = all.filter((one) => (one === text ? !held.includes(one) : held.includes(one)));
    onBrush(next.length === all.length ? null : next);
  };
  return (
    <fieldset>
      <legend>{axis.label}</legend>
      {all.map((text) => (
        <label key={text}>
          <input
            type="checkbox"
            checked={(brush ?? all).includes(text)}
            onChange={() => toggle(text)}
          />{" "}
          {text ?? "none"}
        </label>
      ))}
    </fieldset>
  );
}
