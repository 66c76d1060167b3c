// The ground of a chart: grid, axes with their names, and room for marks that stay inside.

import { useId } from "preact/hooks";
import "./components.css";
import { ticksOf } from "./ticks.js";

const TOP = 8;
const RIGHT = 14;

/** Room that a chart leaves around its marks, given its y scale. */
export function marginsOf(y, height, { right = RIGHT, xLabel = true, left } = {}) {
  const bottom = xLabel ? 40 : 24;
  const texts = y ? ticksOf(y, countOf(height - TOP - bottom, 38)).map(({ text }) => text.length) : [];
  return { top: TOP, right, bottom, left: left ?? Math.max(30, 14 + 6.6 * Math.max(0, ...texts)) };
}

const countOf = (pixels, each) => Math.max(2, Math.round(pixels / each));

/**
 * Scales must have their ranges within the margins already.
 *
 * @param {object} x, y d3 scales; without y there is no y axis
 * @param {{top, right, bottom, left}} margins
 * @param {boolean} [whole] x has ticks at whole numbers only
 * @param {*} [over] marks that may leave the room of the others
 */
export function Frame({ x, y, width, height, margins, xLabel, whole, children, over, ...rest }) {
  const clip = useId();
  const bottom = height - margins.bottom;
  const xTicks = ticksOf(x, countOf(width - margins.left - margins.right, 85), whole);
  const yTicks = y ? ticksOf(y, countOf(bottom - margins.top, 38)) : [];
  return (
    <svg class="frame" width={width} height={height} viewBox={`0 0 ${width} ${height}`} {...rest}>
      <clipPath id={clip}>
        <rect
          x={margins.left - 1}
          y={margins.top - 1}
          width={Math.max(0, width - margins.left - margins.right + 2)}
          height={Math.max(0, bottom - margins.top + 2)}
        />
      </clipPath>
      <g class="grid">
        {yTicks.map(({ at, text }) => (
          <g key={text} transform={`translate(0,${y(at)})`}>
            <line x1={margins.left} x2={width - margins.right} />
            <text x={margins.left - 7} dy="0.32em" text-anchor="end">
              {text}
            </text>
          </g>
        ))}
        {xTicks.map(({ at, text }, i) => (
          <g key={i} transform={`translate(${x(at)},0)`}>
            <line y1={margins.top} y2={bottom} />
            <text y={bottom + 16} text-anchor="middle">
              {text}
            </text>
          </g>
        ))}
        <line class="base" x1={margins.left} x2={width - margins.right} y1={bottom} y2={bottom} />
      </g>
      {xLabel && (
        <text class="axis-name" x={width - margins.right} y={height - 6} text-anchor="end">
          {xLabel}
        </text>
      )}
      <g clip-path={`url(#${clip})`}>{children}</g>
      {over}
    </svg>
  );
}
