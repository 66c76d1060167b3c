// What each axis does to the measure by itself, together with another, and how much that is.

import * as Plot from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { DataTable } from "../shared/DataTable.jsx";
import { formatNumber } from "../shared/format.js";
import { PlotFigure } from "../shared/PlotFigure.jsx";
import { levelColor, limitsOf, listed, numberScale, inSentence } from "./data.js";
import { ColorLegend, colorAmong, kindOfLegend, namesAtLines, roomOfNames } from "./Legend.jsx";

export function Effects({ study, family, measure, state, change, dark }) {
  const { main, pairs, variance, reason, smooth, importance } = study.effects[measure.name];
  if (!study.vary.length)
    return <p class="muted">The study has one cell, so there is nothing to compare it with.</p>;
  const lost = study.cells.some((cell) => family.finished.data[cell] < family.seeds.data[cell]);
  const single = study.cells.every((cell) => family.seeds.data[cell] === 1);
  const notes = [
    study.drawn.length > 0 &&
      "Of a number that was drawn, each dot is a cell, which differs from the others in the other axes too; the curve is a smoothing spline.",
    single
      ? "A single seed: no interval."
      : "Thick dots are means, bars their 95% intervals (Student's t over seeds), pale dots single seeds, each averaged over the other varied axes.",
    lost && "Diverged runs are left out, so means may cover different cells.",
  ];
  return (
    <>
      <h3>Main effects on {inSentence(measure.label)}</h3>
      <div class="panels">
        {study.vary.map((axis) => {
          const shared = { study, axis: family.axisOf[axis], table: main[axis], measure, dark };
          const limits = sharedLimits(Object.values(main));
          return study.numbers.includes(axis) ? (
            <Response key={axis} curve={smooth[axis]} {...shared} limits={limits} />
          ) : (
            <MainEffect key={axis} {...shared} limits={limits} />
          );
        })}
      </div>
      <p class="muted">{notes.filter(Boolean).join(" ")}</p>
      <div class="panels">
        {pairs.length > 0 && (
          <div>
            <h3>Interactions</h3>
            <Interactions
              {...{ study, pairs, family, measure, state, change, dark }}
              shares={variance.length ? variance : (importance?.shares ?? [])}
            />
          </div>
        )}
        <div>
          {(variance.length > 0 || !importance) && (
            <Shares
              heading={`Share of the variance of ${inSentence(measure.label)}`}
              what="the shares of the variance"
              shares={variance}
              note={variance.length ? ETA_SQUARED : reason}
              family={family}
            />
          )}
          {importance && (
            <Shares
              heading={`Share of the variance of ${inSentence(measure.label)} between cells`}
              what="the shares of the variance between cells"
              shares={importance.shares}
              note={importance.note}
              family={family}
            />
          )}
        </div>
      </div>
    </>
  );
}

/** One scale for all panels, so that effects can be compared by eye. */
function sharedLimits(tables) {
  const columns = tables.flatMap(({ mean, low, high, seeds }) => [mean, low, high, seeds]);
  return limitsOf(columns.flatMap(({ data }) => [...data]));
}

function MainEffect({ axis, table, measure, limits, dark }) {
  const rows = useMemo(
    () =>
      [...table.level1.data].map((number, i) => ({
        level: axis.levels[number].label,
        color: levelColor(axis.levels[number], dark),
        mean: table.mean.data[i],
        low: table.low.data[i],
        high: table.high.data[i],
        seeds: [...table.seeds.data.subarray(i * table.seeds.shape[1], (i + 1) * table.seeds.shape[1])],
      })),
    [table, dark],
  );
  const dots = rows.flatMap(({ seeds, level, color }) =>
    seeds.filter(Number.isFinite).map((value) => ({ value, level, color })),
  );
  const words = rows.map(({ level, mean }) => `${level} ${formatNumber(mean)}`);
  return (
    <figure>
      <figcaption>{axis.label}</figcaption>
      <PlotFigure
        label={`Mean ${inSentence(measure.label)} by ${inSentence(axis.label)}: ${listed(words)}`}
        depends={[rows, limits[0], limits[1]]}
        options={(width) => ({
          height: 74 + 34 * rows.length,
          marginBottom: 40,
          marginLeft: 14 + 6.6 * Math.max(...rows.map(({ level }) => level.length)),
          marginRight: 20,
          x: { label: `${measure.label} →`, domain: limits, nice: true, ticks: Math.max(3, Math.floor(width / 110)), grid: true },
          y: { label: null, domain: rows.map(({ level }) => level), tickSize: 0 },
          marks: [
            dots.length > rows.length
              ? Plot.dot(dots, { x: "value", y: "level", fill: "color", r: 2.5, fillOpacity: 0.3, dy: 7 })
              : null,
            Plot.ruleY(rows.filter(({ low }) => Number.isFinite(low)), {
              x1: "low",
              x2: "high",
              y: "level",
              stroke: "color",
              strokeWidth: 3,
            }),
            Plot.dot(rows, {
              x: "mean",
              y: "level",
              fill: "color",
              r: 5,
              title: (row) =>
                `${row.level}: ${formatNumber(row.mean)}` +
                (Number.isFinite(row.low) ? ` (95%: ${formatNumber(row.low)} to ${formatNumber(row.high)})` : ""),
            }),
          ],
        })}
      />
    </figure>
  );
}

/** A measure against a number: means with their intervals, or the cells of a sample. */
function Response({ study, axis, table, measure, limits, curve, dark }) {
  const drawn = study.drawn.includes(axis.name);
  const rows = useMemo(
    () =>
      [...table.level1.data]
        .map((number, i) => ({
          at: axis.levels[number].value,
          name: axis.levels[number].label,
          color: levelColor(axis.levels[number], dark),
          mean: table.mean.data[i],
          low: table.low.data[i],
          high: table.high.data[i],
        }))
        .filter(({ at }) => at !== null)
        .sort((a, b) => a.at - b.at),
    [table, dark],
  );
  const smooth = drawn ? Array.from(curve.at.data, (at, i) => ({ at, mean: curve.height.data[i] })) : [];
  const words = rows.slice(0, 12).map(({ name, mean }) => `${name} ${formatNumber(mean)}`);
  return (
    <figure>
      <figcaption>{axis.label}</figcaption>
      <PlotFigure
        className="response"
        label={`Mean ${inSentence(measure.label)} against ${inSentence(axis.label)}: ${listed(words)}`}
        depends={[rows, limits[0], limits[1]]}
        options={(width) => ({
          height: 260,
          marginLeft: 58,
          marginBottom: 40,
          x: {
            ...numberScale(study, axis.name, rows.map(({ at }) => at)),
            label: `${axis.label} →`,
            ticks: Math.max(3, Math.floor(width / 90)),
          },
          y: { domain: limits, label: `↑ ${measure.label}`, grid: true, nice: true, ticks: 5 },
          marks: [
            drawn
              ? Plot.line(smooth, { x: "at", y: "mean", stroke: "var(--ink)", strokeWidth: 2 })
              : Plot.line(rows, { x: "at", y: "mean", stroke: "var(--muted)", strokeWidth: 1.5 }),
            drawn
              ? null
              : Plot.ruleX(rows.filter(({ low }) => Number.isFinite(low)), {
                  x: "at",
                  y1: "low",
                  y2: "high",
                  stroke: "color",
                  strokeWidth: 3,
                }),
            Plot.dot(rows, {
              x: "at",
              y: "mean",
              fill: "color",
              r: drawn ? 4 : 5,
              title: (row) =>
                `${axis.label} ${row.name}: ${formatNumber(row.mean)}` +
                (Number.isFinite(row.low) ? ` (95%: ${formatNumber(row.low)} to ${formatNumber(row.high)})` : ""),
            }),
          ],
        })}
      />
    </figure>
  );
}

function Interactions({ study, pairs, shares, family, measure, state, change, dark }) {
  const choices = pairs.flatMap(({ axes: [one, other] }) => [`${one}*${other}`, `${other}*${one}`]);
  // By default the pair that explains most, a number or else the protocol told by position.
  const weight = ({ axes }) =>
    shares.find(({ term }) => term.length === 2 && axes.every((axis) => term.includes(axis)))?.share ?? 0;
  const strongest = [...pairs].sort((a, b) => weight(b) - weight(a))[0].axes;
  const first = (axis) => 2 * study.numbers.includes(axis) + (axis === "protocol");
  const usual = [...strongest].sort((a, b) => first(b) - first(a)).join("*");
  const chosen = choices.includes(state.pair) ? state.pair : usual;
  const [along, by] = chosen.split("*");
  const table = pairs.find(({ axes }) => axes.includes(along) && axes.includes(by));
  const places = table[table.axes[0] === by ? "level1" : "level2"];
  const levels = [...new Set(places.data)].sort((a, b) => a - b).map((place) => family.axisOf[by].levels[place]);
  const named = kindOfLegend(levels) === "named";
  const rows = useMemo(() => {
    const [alongLevels, byLevels] = table.axes[0] === along ? ["level1", "level2"] : ["level2", "level1"];
    const points = [...table.mean.data].map((mean, i) => {
      const level = family.axisOf[by].levels[table[byLevels].data[i]];
      return {
        along: family.axisOf[along].levels[table[alongLevels].data[i]].label,
        at: family.axisOf[along].levels[table[alongLevels].data[i]].value,
        by: level.label,
        byValue: level.value,
        byOrder: table[byLevels].data[i],
        color: colorAmong(level, levels, dark),
        order: table[alongLevels].data[i],
        mean,
        low: table.low.data[i],
        high: table.high.data[i],
      };
    });
    return points.sort((a, b) => a.order - b.order);
  }, [table, along, by, dark]);
  const both = [along, by].every((axis) => study.numbers.includes(axis));
  const numeric = !both && study.numbers.includes(along);
  const points = numeric ? rows.filter(({ at }) => at !== null) : rows;
  const order = [...new Set(rows.map((row) => row.along))];
  const room = roomOfNames(named ? levels.map(({ label }) => label) : []);
  const place = numeric ? "at" : "along";
  const words = rows.map((row) => `${row.along}, ${row.by} ${formatNumber(row.mean)}`);
  return (
    <>
      <div class="bar">
        <label>
          Axes{" "}
          <select value={chosen} onChange={(event) => change({ pair: event.currentTarget.value })}>
            {choices.map((choice) => {
              const [one, other] = choice.split("*").map((axis) => inSentence(family.axisOf[axis].label));
              return (
                <option key={choice} value={choice} selected={choice === chosen}>
                  {other} along {one}
                </option>
              );
            })}
          </select>
        </label>
      </div>
      {both ? (
        <HeatMap
          {...{ rows, along: family.axisOf[along], by: family.axisOf[by], measure }}
          chosen={table.chosen && Object.fromEntries(table.axes.map((axis, i) => [axis, table.chosen[i]]))}
          how={family.howChosen}
        />
      ) : (
        <>
          <div class="legends">
            <ColorLegend axis={family.axisOf[by]} {...{ levels, dark }} />
          </div>
          <PlotFigure
            label={`Mean ${inSentence(measure.label)}: ${listed(words)}`}
            depends={[rows]}
            options={(width) => ({
              height: Math.max(300, room.height + 70),
              marginLeft: 58,
              marginRight: Math.max(20, room.right),
              marginBottom: numeric ? 44 : 22 + 14 * Math.ceil((7 * Math.max(...order.map((word) => word.length)) * order.length) / width),
              x: numeric
                ? { ...numberScale(study, along, points.map(({ at }) => at)), label: `${family.axisOf[along].label} →`, ticks: Math.max(3, Math.floor(width / 90)) }
                : { type: "point", domain: order, label: null, padding: 0.4 },
              y: { domain: limitsOf(rows.flatMap(({ mean, low, high }) => [mean, low, high])), label: `↑ ${measure.label}`, grid: true, nice: true, ticks: 5 },
              marks: [
                numeric ? null : Plot.axisX({ lineWidth: Math.max(4, width / order.length / 13), tickSize: 0 }),
                Plot.line(points, { x: place, y: "mean", z: "by", stroke: "color", strokeWidth: 1.8 }),
                named && Plot.text(points, Plot.selectLast({ x: place, y: "mean", z: "by", text: "by", ...namesAtLines })),
                Plot.ruleX(points.filter(({ low }) => Number.isFinite(low)), {
                  x: place,
                  y1: "low",
                  y2: "high",
                  stroke: "color",
                  strokeWidth: 3,
                }),
                Plot.dot(points, {
                  x: place,
                  y: "mean",
                  fill: "color",
                  r: 4.5,
                  title: (row) => `${row.along}, ${row.by}: ${formatNumber(row.mean)}`,
                }),
              ].filter(Boolean),
            })}
          />
          <p class="muted">
            Lines that are not parallel are an interaction: what one axis does depends on the other. Bars
            are 95% intervals over seeds.
          </p>
        </>
      )}
    </>
  );
}

/** The mean at each pair of two numbers; the chosen one has a frame, and its interval below. */
function HeatMap({ rows, along, by, measure, chosen, how }) {
  // What lacks one of the settings has no place here.
  const known = rows.filter(({ mean, at, byValue }) => Number.isFinite(mean) && at !== null && byValue !== null);
  const sign = measure.better === "higher" ? -1 : 1;
  const framed = known.filter(
    ({ order, byOrder }) => order === chosen?.[along.name] && byOrder === chosen?.[by.name],
  );
  const columns = [...new Map([...known].sort((a, b) => a.order - b.order).map((row) => [row.along, 0])).keys()];
  const lines = [...new Map([...known].sort((a, b) => b.byOrder - a.byOrder).map((row) => [row.by, 0])).keys()];
  const high = Math.max(...known.map(({ mean }) => mean));
  const low = Math.min(...known.map(({ mean }) => mean));
  const words = (row) =>
    `${inSentence(along.label)} ${row.along}, ${inSentence(by.label)} ${row.by}: ${formatNumber(row.mean)}` +
    (Number.isFinite(row.low) ? ` (95%: ${formatNumber(row.low)} to ${formatNumber(row.high)})` : "");
  if (!known.length) return <p class="muted">No run finished.</p>;
  return (
    <>
      <PlotFigure
        className="map"
        label={`${measure.label} by ${inSentence(along.label)} and ${inSentence(by.label)}${framed.map((row) => `; chosen: ${words(row)}`).join("")}`}
        depends={[rows]}
        options={(width) => ({
          height: 70 + Math.min(46, Math.max(26, 380 / lines.length)) * lines.length,
          marginLeft: 62,
          marginBottom: 44,
          padding: 0.03,
          x: { type: "band", domain: columns, label: `${along.label} →`, tickSize: 0, ticks: thinned(columns, (width - 80) / 66), tickFormat: short },
          y: { type: "band", domain: lines, label: `↑ ${by.label}`, tickSize: 0, tickFormat: short },
          color: { type: "linear", scheme: "ylgnbu", domain: [low, high], reverse: sign > 0, legend: true, label: measure.label },
          marks: [
            Plot.cell(known, { x: "along", y: "by", fill: "mean", title: words }),
            Plot.cell(framed, { x: "along", y: "by", stroke: "white", strokeWidth: 5, inset: 1 }),
            Plot.cell(framed, { x: "along", y: "by", stroke: "black", strokeWidth: 2, inset: 1 }),
          ],
        })}
      />
      {framed.map((row) => (
        <p class="muted" key="frame">
          Frame: {words(row)}, the cell {how}.
        </p>
      ))}
    </>
  );
}

/** A number with three digits. */
const short = (label) => (Number.isFinite(Number(label)) ? String(Number(Number(label).toPrecision(3))) : label);

/** At most so many of some values, evenly. */
function thinned(values, most) {
  const step = Math.max(1, Math.ceil(values.length / most));
  return values.filter((_, i) => i % step === 0);
}

const ETA_SQUARED =
  "Eta squared over all finished runs of the factorial, every cell counted alike. It describes these values and claims no significance.";

const percent = (share) => (share === null ? "–" : `${(100 * share).toFixed(1)}%`);

/** Shares of a variance by source, with their intervals if they have any, and what to make of them. */
function Shares({ heading, what, shares, note, family }) {
  const name = (term) =>
    term[0] === "seed"
      ? "Seeds within cells"
      : term.length > 2
        ? "Three axes or more together"
        : term.map((axis) => family.axisOf[axis].label).join(" × ");
  const number = (name, label) => ({ name, label, kind: "number", format: percent });
  const columns = [
    { name: "source", label: "Source", kind: "text" },
    {
      ...number("share", "Share"),
      text: percent,
      format: (share, { values }) => <Share share={share} low={values.share_low} high={values.share_high} />,
    },
    ...(shares.some(({ low }) => Number.isFinite(low)) ? [number("share_low", "95% from"), number("share_high", "to")] : []),
  ];
  const rows = shares.map(({ term, share, low = null, high = null }) => ({
    id: term.join("*"),
    values: { source: name(term), share, share_low: low, share_high: high },
  }));
  return (
    <div class="shares">
      <h3>{heading}</h3>
      {rows.length > 0 && <DataTable columns={columns} rows={rows} caption={heading} what={what} />}
      <p class="muted">{note}</p>
    </div>
  );
}

/** A share, as a number and as a bar with its interval. */
function Share({ share, low, high }) {
  return (
    <>
      {percent(share)}
      <span class="rail" aria-hidden="true">
        <span class="share" style={{ width: `${100 * share}%` }} />
        {low !== null && <span class="interval" style={{ left: `${100 * low}%`, width: `${100 * (high - low)}%` }} />}
      </span>
    </>
  );
}
