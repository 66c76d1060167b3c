// Any two cells, seed by seed.

import { useMemo } from "preact/hooks";
import { CopyButtons } from "../shared/CopyButtons.jsx";
import { columnFormat, counted } from "../shared/format.js";
import { CellChoice, titleAxes, usualPair } from "./TimeMachine.jsx";
import { listed } from "./data.js";
import { comparePairs } from "./students.js";

const SIGNS = { 1: "+", 0: "0", "-1": "−" };
const HEADINGS = ["Measure", "First", "Second", "Effect", "95% from", "to", "p", "Signs"];
// Of the columns of a CSV, as `python -m restudy compare --csv` has them.
const NAMES = ["measure", "first_mean", "second_mean", "effect", "ci_low", "ci_high", "p_value", "signs"];
const isNumber = (column) => column > 0 && column < 7;

/** Class and style of a head or of the cells below it. */
const lookOf = (column) =>
  column === 0
    ? { class: "key", style: { left: "var(--left-0, auto)" } }
    : { class: isNumber(column) ? "number" : "" };

export function Compare({ study, family, state, change }) {
  if (!family.finals)
    return (
      <p class="muted">
        The page has no single runs of so many cells. In the project&rsquo;s folder,{" "}
        <code>python -m restudy compare CELL CELL</code> compares any two.
      </p>
    );
  if (family.count < 2) return <p class="muted">There is only one cell, so there is nothing to compare it with.</p>;
  return <Comparison {...{ study, family, state, change }} />;
}

function Comparison({ study, family, state, change }) {
  const cells = useMemo(() => new Map(Array.from({ length: family.count }, (_, cell) => [cell, cell])), [family]);
  const [usualOne, usualTwo] = useMemo(() => usualPair(study, family, cells), [study]);
  const cellOf = (path, otherwise) => {
    const cell = family.paths.indexOf(path);
    return cell < 0 ? otherwise : cell;
  };
  const one = cellOf(state.one, usualOne);
  const two = cellOf(state.two, usualTwo ?? [...cells.keys()].find((cell) => cell !== one));
  const [first, second] = [one, two].map((cell) => family.runsOf(cell));
  const shared = [...first.keys()].filter((seed) => second.has(seed));
  const finished = shared.filter((seed) => first.get(seed).finished && second.get(seed).finished);
  const rows = family.measures
    .map((measure) => {
      const { data } = family.finals.values[measure.name];
      const values = (runs, seeds) => seeds.map((seed) => data[runs.get(seed).row]);
      const seeds = finished.filter((seed) => [first, second].every((runs) => Number.isFinite(data[runs.get(seed).row])));
      return seeds.length ? { measure, seeds, ...comparePairs(values(first, seeds), values(second, seeds)) } : null;
    })
    .filter(Boolean);
  const axes = titleAxes([one, two], study, family);
  const means = ["first", "second", "effect", "low", "high"];
  const writers = means.map((name) => columnFormat(rows.map((row) => row[name])));
  const texts = rows.map(({ measure, p, signs, ...found }) => [
    measure.label,
    ...means.map((name, i) => (found[name] === null ? "–" : writers[i](found[name]))),
    p === null ? "–" : p < 0.001 ? "< 0.001" : p.toFixed(3),
    signsInWords(signs),
  ]);
  const read = () => ({
    heads: HEADINGS,
    names: NAMES,
    numbers: HEADINGS.map((_, column) => isNumber(column)),
    values: rows.map(({ measure, first, second, effect, low, high, p, signs }) => [
      ...[measure.name, first, second, effect, low, high, p],
      signs.join(" "),
    ]),
    texts,
  });
  const choice = { optional: false, study, family, records: cells };
  return (
    <>
      <div class="bar cell-choices">
        <CellChoice name="First cell" value={one} {...choice} onChange={(path) => change({ one: path })} />
        <CellChoice name="Second cell" value={two} {...choice} onChange={(path) => change({ two: path })} />
      </div>
      <p>
        {family.title(two, axes)} <b>minus</b> {family.title(one, axes)}, in runs with the same seed:
      </p>
      {rows.length > 0 && (
        <div class="bar">
          <CopyButtons read={read} what="the comparison" file="comparison" />
        </div>
      )}
      {rows.length > 0 && (
        <div class="wide-table" role="region" aria-label="How the two cells differ" tabIndex={0}>
          <table class="comparison">
            <caption class="only-read">How the two cells differ</caption>
            <thead>
              <tr>
                {HEADINGS.map((heading, column) => (
                  <th scope="col" key={heading} {...lookOf(column)}>
                    {heading}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, place) => {
                const [label, ...cells] = texts[place];
                const signs = cells.pop();
                return (
                  <tr key={row.measure.name}>
                    <th scope="row" {...lookOf(0)}>
                      {label}
                    </th>
                    {cells.map((text, i) => (
                      <td class="number" key={i}>
                        {text}
                      </td>
                    ))}
                    <td class="signs" title={row.seeds.map((seed, i) => `seed ${seed}: ${SIGNS[row.signs[i]]}`).join(", ")}>
                      {signs}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      <p class="muted">{remarks(one, two, { first, second, shared, finished, rows, family }).join(" ")}</p>
    </>
  );
}

const MAX_SIGNS = 12; // of more, each kind is counted

function signsInWords(signs) {
  if (signs.length <= MAX_SIGNS) return signs.map((sign) => SIGNS[sign]).join(" ");
  const count = (wanted) => signs.filter((sign) => sign === wanted).length;
  return [1, -1, 0].map((sign) => `${count(sign)} × ${SIGNS[sign]}`).join(", ");
}

function remarks(one, two, { first, second, shared, finished, rows, family }) {
  const seeds = (list) => `${list.length === 1 ? "seed" : "seeds"} ${listed(list.map(String))}`;
  const only = (runs, others) => [...runs.keys()].filter((seed) => !others.has(seed));
  const lost = (runs) => [...runs].filter(([, { finished }]) => !finished).map(([seed]) => seed);
  const several = rows.some(({ p }) => p !== null);
  return [
    one === two && "Both are the same cell.",
    family.axisOf.dataset &&
      family.level(one, "dataset") !== family.level(two, "dataset") &&
      "The data sets differ: runs of a seed share its random numbers, but not their data.",
    !shared.length && "No seed was trained in both cells, so that no run has a counterpart.",
    only(first, second).length > 0 && `Only the first has ${seeds(only(first, second))}.`,
    only(second, first).length > 0 && `Only the second has ${seeds(only(second, first))}.`,
    lost(first).length > 0 && `Diverged and left out: ${seeds(lost(first))} of the first.`,
    lost(second).length > 0 && `Diverged and left out: ${seeds(lost(second))} of the second.`,
    several
      ? `Over ${counted(finished.length, "pair")}: the mean of the differences, its 95% interval and p-value by Student's paired t-test in both directions, not corrected for the number of comparisons.`
      : finished.length === 1
        ? "A single pair has neither an interval nor a p-value."
        : rows.length > 0 && "The pairs do not differ from one another, so there is no interval and no p-value.",
  ].filter(Boolean);
}
