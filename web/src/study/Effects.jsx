// What each axis does to the measure by itself, together with another, and how much that is.

import * as Plot from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { formatNumber } from "../shared/format.js";
import { PlotFigure } from "../shared/PlotFigure.jsx";
import { levelColor, limitsOf, listed } from "./data.js";

export function Effects({ study, family, measure, state, change, dark }) {
  const { main, pairs, variance, reason } = study.effects[measure.name];
  if (!study.vary.length)
    return <p class="muted">The study has one cell, so there is nothing to compare it with.</p>;
  const lost = study.cells.some((cell) => family.finished.data[cell] < family.seeds.data[cell]);
  const single = study.cells.every((cell) => family.seeds.data[cell] === 1);
  const notes = [
    single
      ? "A single seed: no interval."
      : "Thick dots are means, bars their 95% intervals (Student's t over seeds), pale dots single seeds, each averaged over the other varied axes.",
    lost && "Diverged runs are left out, so means may cover different cells.",
  ];
  return (
    <>
      <h3>Main effects on {measure.label.toLowerCase()}</h3>
      <div class="panels">
        {study.vary.map((axis) => (
          <MainEffect
            key={axis}
            axis={family.axisOf[axis]}
            table={main[axis]}
            measure={measure}
            limits={sharedLimits(Object.values(main))}
            dark={dark}
          />
        ))}
      </div>
      <p class="muted">{notes.filter(Boolean).join(" ")}</p>
      <div class="panels">
        {pairs.length > 0 && (
          <div>
            <h3>Interactions</h3>
            <Interactions {...{ pairs, variance, family, measure, state, change, dark }} />
          </div>
        )}
        <div>
          <h3>Share of the variance of {measure.label.toLowerCase()}</h3>
          <Variance variance={variance} reason={reason} family={family} />
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
        label={`Mean ${measure.label.toLowerCase()} by ${axis.label.toLowerCase()}: ${listed(words)}`}
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

function Interactions({ pairs, variance, family, measure, state, change, dark }) {
  const choices = pairs.flatMap(({ axes: [one, other] }) => [`${one}*${other}`, `${other}*${one}`]);
  // By default the pair that explains most, the protocol told by position.
  const weight = ({ axes }) =>
    variance.find(({ term }) => term.length === 2 && axes.every((axis) => term.includes(axis)))?.share ?? 0;
  const strongest = [...pairs].sort((a, b) => weight(b) - weight(a))[0].axes;
  const usual = [...strongest].sort((a, b) => (b === "protocol") - (a === "protocol")).join("*");
  const chosen = choices.includes(state.pair) ? state.pair : usual;
  const [along, by] = chosen.split("*");
  const table = pairs.find(({ axes }) => axes.includes(along) && axes.includes(by));
  const rows = useMemo(() => {
    const [alongLevels, byLevels] = table.axes[0] === along ? ["level1", "level2"] : ["level2", "level1"];
    const points = [...table.mean.data].map((mean, i) => {
      const level = family.axisOf[by].levels[table[byLevels].data[i]];
      return {
        along: family.axisOf[along].levels[table[alongLevels].data[i]].label,
        by: level.label,
        color: levelColor(level, dark),
        order: table[alongLevels].data[i],
        mean,
        low: table.low.data[i],
        high: table.high.data[i],
      };
    });
    return points.sort((a, b) => a.order - b.order);
  }, [table, along, by, dark]);
  const order = [...new Set(rows.map((row) => row.along))];
  const levels = [...new Map(rows.map((row) => [row.by, row.color]))];
  const words = rows.map((row) => `${row.along}, ${row.by} ${formatNumber(row.mean)}`);
  return (
    <>
      <div class="bar">
        <label>
          Axes{" "}
          <select value={chosen} onChange={(event) => change({ pair: event.currentTarget.value })}>
            {choices.map((choice) => {
              const [one, other] = choice.split("*").map((axis) => family.axisOf[axis].label.toLowerCase());
              return (
                <option key={choice} value={choice} selected={choice === chosen}>
                  {other} along {one}
                </option>
              );
            })}
          </select>
        </label>
      </div>
      <div class="legends">
        <div class="legend">
          <strong>{family.axisOf[by].label}</strong>
          {levels.map(([label, color]) => (
            <span key={label}>
              <span class="swatch" style={{ background: color }} />
              {label}
            </span>
          ))}
        </div>
      </div>
        <PlotFigure
          label={`Mean ${measure.label.toLowerCase()}: ${listed(words)}`}
          depends={[rows]}
          options={(width) => ({
            height: 300,
            marginLeft: 58,
            marginBottom: 22 + 14 * Math.ceil((7 * Math.max(...order.map((word) => word.length)) * order.length) / width),
            x: { type: "point", domain: order, label: null, padding: 0.4 },
            y: { domain: limitsOf(rows.flatMap(({ mean, low, high }) => [mean, low, high])), label: `↑ ${measure.label}`, grid: true, nice: true, ticks: 5 },
            marks: [
              Plot.axisX({ lineWidth: Math.max(4, width / order.length / 13), tickSize: 0 }),
              Plot.line(rows, { x: "along", y: "mean", z: "by", stroke: "color", strokeWidth: 1.8 }),
              Plot.ruleX(rows.filter(({ low }) => Number.isFinite(low)), {
                x: "along",
                y1: "low",
                y2: "high",
                stroke: "color",
                strokeWidth: 3,
              }),
              Plot.dot(rows, {
                x: "along",
                y: "mean",
                fill: "color",
                r: 4.5,
                title: (row) => `${row.along}, ${row.by}: ${formatNumber(row.mean)}`,
              }),
            ],
          })}
        />
      <p class="muted">
        Lines that are not parallel are an interaction: what one axis does depends on the other. Bars
        are 95% intervals over seeds.
      </p>
    </>
  );
}

function Variance({ variance, reason, family }) {
  if (!variance.length) return <p class="muted">{reason}</p>;
  const name = (term) =>
    term[0] === "seed"
      ? "Seeds within cells"
      : term.length > 2
        ? "Three axes or more together"
        : term.map((axis) => family.axisOf[axis].label).join(" × ");
  return (
    <>
      <table class="variance">
        <caption class="only-read">Share of the variance by source</caption>
        <thead>
          <tr>
            <th scope="col">Source</th>
            <th scope="col">Share (η²)</th>
            <th scope="col" aria-hidden="true" />
          </tr>
        </thead>
        <tbody>
          {variance.map(({ term, share }) => (
            <tr key={term.join("*")}>
              <th scope="row">{name(term)}</th>
              <td class="number">{(100 * share).toFixed(1)}%</td>
              <td class="space" aria-hidden="true">
                <span class="share" style={{ width: `${100 * share}%` }} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="muted">
        Eta squared over all finished runs of the factorial, every cell counted alike. It describes
        these values and claims no significance.
      </p>
    </>
  );
}
