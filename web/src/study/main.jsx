// The page of the studies: questions, answers, curves, effects, cells and the time machine.

import { render } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import "../shared/theme.css";
import { useAddress } from "../shared/address.js";
import { counted } from "../shared/format.js";
import { readBlock } from "../shared/payload.js";
import { followFrames } from "../shared/sideways.js";
import { Cells } from "./Cells.jsx";
import { Compare } from "./Compare.jsx";
import { Curves } from "./Curves.jsx";
import { Family } from "./data.js";
import { Effects } from "./Effects.jsx";
import "./study.css";
import { TimeMachine } from "./TimeMachine.jsx";
import { useDark } from "../shared/colors.js";

const SECTIONS = ["Curves", "Effects", "Cells", "Compare", "Time machine"];
const DEFAULTS = {
  study: "",
  measure: "",
  lines: "",
  color: "",
  bands: true,
  logx: false,
  logy: false,
  pair: "",
  scope: "study",
  shown: [],
  brushes: {},
  sort: [],
  filter: "",
  one: "",
  two: "",
  a: "",
  b: "",
  seed: 0,
  pass: -1,
};

function App({ families, look }) {
  const [state, change] = useAddress(DEFAULTS);
  const dark = useDark();
  const studies = families.flatMap((family) => family.studies);
  const study = studies.find(({ id }) => id === state.study) ?? studies[0];
  const { family } = study;
  const measure = family.measureOf[state.measure] ?? family.measureOf[family.opening];
  // What belongs to one study makes no sense in another.
  const choose = (id) =>
    change({ ...DEFAULTS, study: id, measure: state.measure, logx: state.logx, logy: state.logy });
  const shared = { study, family, measure, state, change, dark };
  // Drawn again only when what they show changes, and not with every move of the time machine.
  const draw = (Part, settings) =>
    useMemo(
      () => <Part {...shared} />,
      [study, measure, dark, ...settings.map((name) => state[name])],
    );
  const curves = draw(Curves, ["lines", "color", "bands", "logx", "logy", "brushes", "shown", "scope"]);
  const effects = draw(Effects, ["pair"]);
  const cellsOfStudy = draw(Cells, ["scope", "shown", "brushes", "sort", "filter"]);
  const compared = draw(Compare, ["one", "two"]);
  const runs = families.reduce((sum, one) => sum + one.seeds.data.reduce((a, b) => a + b, 0), 0);
  const cells = families.reduce((sum, one) => sum + one.count, 0);
  const bar = useRef();
  useEffect(() => tellHeight(bar.current), []);
  const machineFamily = family.machine ? family : families.find(({ machine }) => machine);

  return (
    <>
      <h1>Studies</h1>
      <p class="muted">
        {counted(studies.length, "study", "studies")}, {counted(cells, "cell")},{" "}
        {counted(runs, "run")}. A cell is a combination of settings, a run one seed of it.
      </p>
      <nav class="cards" aria-label="Studies">
        {studies.map((one) => (
          <button
            type="button"
            key={one.id}
            aria-pressed={one === study}
            onClick={() => choose(one.id)}
          >
            <strong>{one.label}</strong>
            <span class="kind">{one.family.label}</span>
            <span>{one.question}</span>
          </button>
        ))}
      </nav>
      <div class="sticky" role="group" aria-label="What is shown" ref={bar}>
        <label>
          <span>Study</span>{" "}
          <select value={study.id} onChange={(event) => choose(event.currentTarget.value)}>
            {families.map((one) => (
              <optgroup key={one.name} label={one.label}>
                {one.studies.map(({ id, label }) => (
                  <option key={id} value={id} selected={id === study.id}>
                    {label}
                  </option>
                ))}
              </optgroup>
            ))}
          </select>
        </label>
        <label>
          <span>Measure</span>{" "}
          <select
            value={measure.name}
            onChange={(event) => change({ measure: event.currentTarget.value })}
          >
            {family.measures.map(({ name, label }) => (
              <option key={name} value={name} selected={name === measure.name}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <nav class="jumps" aria-label="Parts of the page" data-sideways>
          {SECTIONS.map((name) => (
            <button
              type="button"
              key={name}
              onClick={() => {
                const heading = document.getElementById(placeOf(name));
                heading.scrollIntoView();
                heading.focus({ preventScroll: true });
              }}
            >
              {name}
            </button>
          ))}
        </nav>
      </div>
      <Summary {...shared} />
      <Section name="Curves">{curves}</Section>
      <Section name="Effects">{effects}</Section>
      <Section name="Cells">{cellsOfStudy}</Section>
      <Section name="Compare">{compared}</Section>
      <Section name="Time machine">
        <TimeMachine {...shared} machineFamily={machineFamily} look={look} />
      </Section>
    </>
  );
}

/** Let the styles know how high the bar at the top is, so that it covers no heading. */
function tellHeight(bar) {
  const observer = new ResizeObserver(() =>
    document.documentElement.style.setProperty("--bar-height", `${bar.offsetHeight}px`),
  );
  observer.observe(bar);
  return () => observer.disconnect();
}

const placeOf = (name) => name.toLowerCase().replace(" ", "-");

function Section({ name, children }) {
  return (
    <section aria-labelledby={placeOf(name)}>
      <h2 id={placeOf(name)} tabIndex={-1}>
        {name}
      </h2>
      {children}
    </section>
  );
}

const MAX_NAMED = 12; // values of an axis that are named one by one

/** Question, answer and what the cells of the study are. */
function Summary({ study, family }) {
  const runs = study.cells.reduce((sum, cell) => sum + family.seeds.data[cell], 0);
  const lost = runs - study.cells.reduce((sum, cell) => sum + family.finished.data[cell], 0);
  const fixed = family.axes.filter(({ name }) => !study.vary.includes(name));
  const single = study.cells.every((cell) => family.seeds.data[cell] === 1);
  const values = useMemo(
    () =>
      study.vary.map((axis) => ({
        axis: family.axisOf[axis],
        levels: [...new Set(study.cells.map((cell) => family.level(cell, axis)))].sort(
          (a, b) => study.numbers.includes(axis) && a.value - b.value,
        ),
      })),
    [study],
  );
  return (
    <section class="summary" aria-labelledby="question">
      <h2 id="question">{study.question}</h2>
      <ul class="answer">
        {study.answer.outcome.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      {study.answer.layers.length > 0 && (
        <details>
          <summary>Gradients, saturated and dead units</summary>
          <ul class="answer">
            {study.answer.layers.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        </details>
      )}
      <dl class="facts">
        <dt>Cells</dt>
        <dd>
          {counted(study.cells.length, "cell")}, {counted(runs, "run")}
          {lost > 0 && `, of which ${counted(lost, "run")} diverged and count in no mean`}
          {study.leftOut > 0 &&
            `; ${counted(study.leftOut, "combination")} of values ${study.leftOut === 1 ? "is" : "are"} no cell of ${study.leftOut === 1 ? "its" : "their"} own and left out`}
        </dd>
        {values.map(({ axis, levels }) => (
          <>
            <dt>{axis.label}</dt>
            <dd>
              {levels.length > MAX_NAMED
                ? `${levels.length} values, from ${levels[0].label} to ${levels.at(-1).label}`
                : levels.map(({ label }) => label).join(", ")}
            </dd>
          </>
        ))}
        <dt>Fixed</dt>
        <dd>{family.title(study.cells[0], fixed.map(({ name }) => name))}</dd>
      </dl>
      {single && (
        <p class="note warning">
          Every cell has a single seed: there is no spread between seeds, so nothing here has a band
          or an interval.
        </p>
      )}
    </section>
  );
}

async function start() {
  const { families: trees, look } = await readBlock("study");
  const families = [];
  // A family whose networks can be shown on their way through training has a block of its own.
  for (const tree of trees) {
    const name = `machine-${tree.name}`;
    const machine = document.getElementById(`block-${name}`) ? await readBlock(name) : null;
    families.push(new Family({ ...tree, machine }));
  }
  const app = document.getElementById("app");
  app.replaceChildren();
  render(<App families={families} look={look} />, app);
}

followFrames();
start();
