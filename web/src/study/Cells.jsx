// All cells as lines and as rows; what is brushed there is what the table and the curves show.

import { useMemo, useState } from "preact/hooks";
import { DataTable } from "../shared/DataTable.jsx";
import { ParallelCoordinates, insideBrushes } from "../shared/ParallelCoordinates.jsx";
import { coordinatesOf, levelColor, limitsOf, measuresShown, shorter, usualColor, inSentence } from "./data.js";

export function Cells({ study, family, measure, state, change, dark }) {
  const [highlighted, highlight] = useState(null);
  const { axes, rows, columns } = useMemo(() => {
    const { axes, cells, varied, measures, values } = coordinatesOf(study, family, state);
    const color = usualColor(study, family);
    const rows = cells.map((cell) => ({
      id: cell,
      label: family.title(cell, varied),
      values: { ...values(cell), ...spreadOf(cell, family, measure), ...counts(cell, family) },
      color: levelColor(family.level(cell, color), dark),
    }));
    return { axes, rows, columns: columnsOf(varied, measures, measure, family, rows, color) };
  }, [study, measure, dark, state.scope, JSON.stringify(state.shown)]);
  const inside = useMemo(
    () => rows.filter((row) => insideBrushes(row.values, state.brushes, axes)),
    [rows, axes, JSON.stringify(state.brushes)],
  );
  const shown = measuresShown(family, state).map(({ name }) => name);
  return (
    <>
      <div class="bar">
        <label>
          Cells{" "}
          <select value={state.scope} onChange={(event) => change({ scope: event.currentTarget.value, brushes: {} })}>
            <option value="study" selected={state.scope !== "all"}>
              of this study
            </option>
            <option value="all" selected={state.scope === "all"}>
              of all studies ({family.count.toLocaleString("en-US")})
            </option>
          </select>
        </label>
        <details class="choice">
          <summary>Measures shown</summary>
          <div class="fields">
            {family.measures.map(({ name, label }) => (
              <label key={name}>
                <input
                  type="checkbox"
                  checked={shown.includes(name)}
                  onChange={(event) =>
                    change({
                      shown: family.measures
                        .map((one) => one.name)
                        .filter((one) => (one === name ? event.currentTarget.checked : shown.includes(one))),
                    })
                  }
                />{" "}
                {label}
              </label>
            ))}
          </div>
        </details>
      </div>
      <ParallelCoordinates
        axes={axes}
        rows={rows}
        brushes={state.brushes}
        onBrush={(brushes) => change({ brushes })}
        highlighted={highlighted}
        onHighlight={highlight}
        label={`Parallel coordinates of ${rows.length} cells`}
      />
      <p class="muted">
        Coloured by {inSentence(family.axisOf[usualColor(study, family)].label)}; measures are means over
        the finished seeds, at the end of training. What is brushed chooses the rows below and the
        cells of the curves.
      </p>
      <DataTable
        columns={columns}
        rows={inside}
        caption={`Cells with their ${inSentence(measure.label)}`}
        file={`${study.name}_cells`}
        view={{ sort: state.sort.length ? state.sort : null, filter: state.filter }}
        onView={({ sort, filter }) => change({ sort: sort ?? [], filter })}
        highlighted={highlighted}
        onHighlight={highlight}
      />
      <p class="muted">
        Few digits here, seven in the CSV; results/tables/{family.name}_summary.csv has all.
      </p>
    </>
  );
}

const counts = (cell, family) => ({
  runs: family.seeds.data[cell],
  diverged: family.seeds.data[cell] - family.finished.data[cell],
});

/** Spread of the chosen measure: deviation, and the ends of the interval. */
function spreadOf(cell, family, { name }) {
  const mean = family.summary[name].mean.data[cell];
  const half = family.summary[name].half.data[cell];
  return {
    [name]: family.summaryOf(cell, name),
    [`${name}_sd`]: family.summaryOf(cell, name, "deviation"),
    [`${name}_low`]: shorter(mean - half),
    [`${name}_high`]: shorter(mean + half),
  };
}

function columnsOf(varied, measures, measure, family, rows, colored) {
  const number = (name, label, format) => ({ name, label, kind: "number", ...(format && { format }) });
  const [low, high] = limitsOf(
    rows.flatMap(({ values }) => ["", "_low", "_high"].map((end) => values[measure.name + end])),
  );
  // Single seeds have no spread: columns without a value would say so row by row.
  const known = ({ name }) => rows.some(({ values }) => values[name] !== null);
  return [
    ...varied.map((name) => ({
      name,
      label: family.axisOf[name].label,
      key: true,
      swatch: name === colored,
      kind: typeof family.axisOf[name].levels[0].value === "number" ? "number" : "text",
    })),
    number(measure.name, measure.label, (value, row, write) => (
      <Spread {...{ value, row, write, low, high }} name={measure.name} />
    )),
    ...[
      number(`${measure.name}_sd`, "± deviation"),
      number(`${measure.name}_low`, "95% from"),
      number(`${measure.name}_high`, "to"),
    ].filter(known),
    ...measures.filter(({ name }) => name !== measure.name).map(({ name, label }) => number(name, label)),
    number("runs", "Runs"),
    number("diverged", "Diverged"),
  ];
}

/** A mean with its interval as a bar on the scale of all rows. */
function Spread({ value, row, write, name, low, high }) {
  if (value === null) return <span class="muted">none</span>;
  const place = (at) => 4 + (72 * (at - low)) / (high - low);
  const [from, to] = [row.values[`${name}_low`], row.values[`${name}_high`]];
  return (
    <span class="spread">
      {write(value)}
      <svg width="80" height="12" aria-hidden="true" style={{ color: row.color }}>
        <line x1="4" x2="76" y1="6" y2="6" class="rail" />
        {from !== null && (
          <line x1={place(from)} x2={place(to)} y1="6" y2="6" stroke="currentColor" stroke-width="3" />
        )}
        <circle cx={place(value)} cy="6" r="3.5" fill="currentColor" />
      </svg>
    </span>
  );
}
