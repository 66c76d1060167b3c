// The plane of a data set with two features: what the network answers, its boundary, the points.

import { contours } from "d3-contour";
import { scaleLinear } from "d3-scale";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { useWidth } from "../shared/useWidth.js";

const COLUMNS = 110;
const MARGIN = { left: 46, bottom: 40, top: 6, right: 6 };
// Share of its class' colour that an area has where the class is certain.
const STRONGEST = 0.6;

const rgb = (color) => [1, 3, 5].map((start) => parseInt(color.slice(start, start + 2), 16));

/** The rectangle round the training points, as the report's figures choose it. */
export function extentOf(points) {
  return [0, 1].map((feature) => {
    const values = points.filter((_, i) => i % 2 === feature);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const extent = high - low;
    const margin = extent > 0 ? Math.min(Math.max(0.5, extent / 20), extent) : 0.5;
    return [low - margin, high + margin];
  });
}

export function Boundary({ run, number, look, label }) {
  const holder = useRef();
  const canvas = useRef();
  const width = useWidth(holder);
  const { dataset } = run;
  const { x, label: classes } = dataset.parts.train;
  const extent = useMemo(() => run.pictures?.extent ?? extentOf([...x.data]), [run]);
  const [wide, high] = extent.map(([low, top]) => top - low);
  // One scale for both features unless one extent is far larger.
  const ratio = Math.max(wide, high) <= 4 * Math.min(wide, high) ? high / wide : 0.75;
  const inner = Math.max(width - MARGIN.left - MARGIN.right, 1);
  const height = Math.round(inner * Math.min(ratio, 1.4));
  const scaleX = scaleLinear(extent[0], [0, inner]);
  const scaleY = scaleLinear(extent[1], [height, 0]);

  const wanted = Math.max(2, Math.round((COLUMNS * height) / inner));
  const field = useMemo(() => run.field(number, extent, COLUMNS, wanted), [run, number, wanted]);
  const { columns, rows } = field;
  const [stepX, stepY] = [inner / columns, height / rows];
  const lines = useMemo(
    () => borders(field).map((shape) => pathOf(shape, stepX, stepY)),
    [field, stepX, stepY],
  );
  useEffect(() => {
    if (!width) return;
    const context = canvas.current.getContext("2d");
    const picture = context.createImageData(columns + 2, rows + 2);
    paint(picture.data, field, look);
    context.putImageData(picture, 0, 0);
  }, [field, width > 0]);

  const title = (n) => dataset.features[n] + (dataset.standardized ? " (standardized)" : "");
  return (
    <div ref={holder} class="boundary">
      {width > 0 && (
        <div class="plane" style={{ height: `${height + MARGIN.top + MARGIN.bottom}px` }}>
          <div
            class="window"
            style={{ left: `${MARGIN.left}px`, top: `${MARGIN.top}px`, width: `${inner}px`, height: `${height}px` }}
          >
            <canvas
              ref={canvas}
              width={columns + 2}
              height={rows + 2}
              style={{ left: `${-stepX}px`, top: `${-stepY}px`, width: `${inner + 2 * stepX}px`, height: `${height + 2 * stepY}px` }}
            />
            <svg width={inner} height={height} aria-hidden="true">
              {lines.map((d, i) => (
                <path key={i} d={d} class="border" />
              ))}
            </svg>
          </div>
          <svg width={width} height={height + MARGIN.top + MARGIN.bottom} role="img" aria-label={label}>
            <g transform={`translate(${MARGIN.left},${MARGIN.top})`}>
              {[...classes.data].map((one, i) => (
                <circle
                  key={i}
                  cx={scaleX(x.data[2 * i])}
                  cy={scaleY(x.data[2 * i + 1])}
                  r={classes.data.length > 400 ? 2 : 3}
                  fill={look.classes[one % look.classes.length]}
                />
              ))}
              {scaleX.ticks(5).map((tick) => (
                <text key={tick} x={scaleX(tick)} y={height + 15} text-anchor="middle">
                  {scaleX.tickFormat(5)(tick)}
                </text>
              ))}
              <text x={inner / 2} y={height + 32} text-anchor="middle">
                {title(0)}
              </text>
              {scaleY.ticks(5).map((tick) => (
                <text key={tick} x={-6} y={scaleY(tick)} dy="0.32em" text-anchor="end">
                  {scaleY.tickFormat(5)(tick)}
                </text>
              ))}
              <text transform={`translate(-36,${height / 2}) rotate(-90)`} text-anchor="middle">
                {title(1)}
              </text>
            </g>
          </svg>
        </div>
      )}
    </div>
  );
}

/** Outlines of every class but the first: where its probability is that of its best rival. */
function borders({ shares, classes, columns, rows }) {
  const field = contours().size([columns + 2, rows + 2]);
  return Array.from({ length: classes - 1 }, (_, i) => {
    const lead = new Float64Array(shares.length / classes);
    for (let point = 0; point < lead.length; point++) {
      const own = shares.subarray(point * classes, (point + 1) * classes);
      let rival = 0;
      for (let k = 0; k < classes; k++) if (k !== i + 1) rival = Math.max(rival, own[k]);
      lead[point] = own[i + 1] - rival;
    }
    return field.contour(lead, 0);
  });
}

function pathOf({ coordinates }, stepX, stepY) {
  const at = ([x, y]) => `${((x - 1) * stepX).toFixed(1)},${((y - 1) * stepY).toFixed(1)}`;
  return coordinates
    .flat()
    .map((ring) => `M${ring.map(at).join("L")}Z`)
    .join("");
}

/** Two classes on the scale of the figures; of more, each in its own colour, paler if unsure. */
function paint(pixels, { shares, classes }, look) {
  const scale = look.probability.map(rgb);
  const tints = look.classes.map(rgb);
  for (let point = 0; point < pixels.length / 4; point++) {
    const own = shares.subarray(point * classes, (point + 1) * classes);
    let color;
    if (classes === 2) color = scale[Math.round((own[1] || 0) * (scale.length - 1))];
    else {
      const best = own.indexOf(Math.max(...own));
      const strength = STRONGEST * (own[best] || 0);
      color = tints[Math.max(best, 0) % tints.length].map((part) => 255 - strength * (255 - part));
    }
    pixels.set([...color, 255], 4 * point);
  }
}
