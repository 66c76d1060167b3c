// The time machine: one or two cells and a seed, moved through their training together. The page
// runs the networks itself, from their snapshots.

import * as Plot from "@observablehq/plot";
import { useEffect, useMemo, useState } from "preact/hooks";
import { counted, every, formatNumber } from "../shared/format.js";
import { PlotFigure } from "../shared/PlotFigure.jsx";
import { Boundary } from "./Boundary.jsx";
import { inSentence, levelColor, limitsOf } from "./data.js";
import { Run } from "./snapshots.js";

const INTERVAL = 450; // milliseconds between two snapshots of the play button
const PARTS = ["train", "heldout"];
const LAYER_NAMES = (count) =>
  Array.from({ length: count }, (_, i) => (i === count - 1 ? "Output layer" : `Layer ${i + 1}`));

/** The machine of the study's own family if it has one, else of the `machineFamily`. */
export function TimeMachine({ study, family, machineFamily, look, state, change, dark }) {
  if (!machineFamily)
    return (
      <p class="muted">
        It shows networks on their way through training, from snapshots of their weights; no family
        of this configuration keeps any.
      </p>
    );
  const { machine, label } = machineFamily;
  if (!machine.cells.length)
    return (
      <p class="muted">
        No cell of the {inSentence(label)} has kept snapshots of its weights (see{" "}
        {machine.keys.map((key, i) => (
          <>
            {i > 0 && " and "}
            <code>{key}</code>
          </>
        ))}{" "}
        of its protocol).
      </p>
    );
  const own = family === machineFamily ? study : machineFamily.studies[0];
  return (
    <Machine
      key={own.id}
      study={own}
      foreign={family !== machineFamily}
      family={machineFamily}
      {...{ look, state, change, dark }}
    />
  );
}

function Machine({ study, foreign, family, look, state, change, dark }) {
  const { machine, time } = family;
  const records = useMemo(
    () => new Map(machine.cells.map((record) => [record.cell, record])),
    [machine],
  );
  const [usualA, usualB] = useMemo(() => usualPair(study, family, records), [study]);
  const cellOf = (path) => {
    const cell = family.paths.indexOf(path);
    return records.has(cell) ? cell : null;
  };
  const a = cellOf(state.a) ?? usualA;
  const b = state.b === "none" ? null : (cellOf(state.b) ?? (usualB === a ? null : usualB));
  const cells = [a, b].filter((cell) => cell !== null);
  const seeds = [...records.get(a).seeds.data].filter((seed) =>
    cells.every((cell) => records.get(cell).seeds.data.includes(seed)),
  );
  const seed = seeds.includes(state.seed) ? state.seed : nearestMedian(records.get(a), seeds);
  const runs = useMemo(
    () =>
      cells.map((cell) => {
        const record = records.get(cell);
        return new Run(record, machine.datasets[record.dataset], seed, machine.forms);
      }),
    [a, b, seed],
  );
  const passes = useMemo(
    () => [...new Set(runs.flatMap((run) => run.passes))].sort((x, y) => x - y),
    [runs],
  );
  const index = state.pass < 0 ? passes.length - 1 : lastUpTo(passes, state.pass);
  const pass = passes[index];
  const go = (to) => change({ pass: passes[Math.max(0, Math.min(passes.length - 1, to))] });
  const [playing, play] = usePlay(index, passes.length, go);
  const losses = useMemo(() => scalesOf(runs), [runs]);
  const colors = sideColors(cells, family, dark);
  const dashes = Object.fromEntries(PARTS.map((part) => [part, family.measureOf[`${part}_loss`]?.dash]));

  return (
    <>
      {!foreign && !study.cells.some((cell) => records.has(cell)) && (
        <p class="note">
          No cell of this study is on this page, for its size: shown are cells of other studies.
        </p>
      )}
      {foreign && (
        <p class="note">
          It shows the {inSentence(family.label)}, whose weights were kept on the way; here those of
          the study “{study.label.toLowerCase()}”.
        </p>
      )}
      <div class="machine-controls" role="group" aria-label="Cells and seed">
        <CellChoice name="Left" value={a} {...{ study, family, records }} onChange={(path) => change({ a: path })} />
        <CellChoice
          name="Right"
          value={b}
          optional
          {...{ study, family, records }}
          onChange={(path) => change({ b: path })}
        />
        <label>
          Seed{" "}
          <select value={seed} onChange={(event) => change({ seed: Number(event.currentTarget.value) })}>
            {seeds.map((one) => (
              <option key={one} value={one} selected={one === seed}>
                {one}
              </option>
            ))}
          </select>
        </label>
      </div>
      <div class="time" role="group" aria-label="Time">
        <button type="button" onClick={() => go(index - 1)} disabled={index === 0} aria-label="Previous snapshot">
          ◀
        </button>
        <button type="button" class="play" onClick={() => play(!playing)} aria-pressed={playing}>
          {playing ? "Pause" : "Play"}
        </button>
        <button
          type="button"
          onClick={() => go(index + 1)}
          disabled={index === passes.length - 1}
          aria-label="Next snapshot"
        >
          ▶
        </button>
        <input
          type="range"
          min="0"
          max={passes.length - 1}
          value={index}
          aria-label="Snapshot"
          aria-valuetext={`after ${pass.toLocaleString("en-US")} ${inSentence(time.label)}`}
          onInput={(event) => go(Number(event.currentTarget.value))}
        />
        <output>
          after <strong>{pass.toLocaleString("en-US")}</strong> {pass === 1 ? time.name : time.plural}
        </output>
      </div>
      <div class={`sides ${runs.length > 1 ? "two" : ""}`}>
        {runs.map((run, side) => (
          <Side
            key={side}
            run={run}
            pass={pass}
            title={family.title(cells[side], titleAxes(cells, study, family))}
            color={colors[side]}
            {...{ time, losses, look, dashes }}
          />
        ))}
      </div>
      <p class="muted">{accountOf(machine.kept)}</p>
    </>
  );
}

/** Cells that the machine opens with: a cell of the study and what tells most beside it. */
export function usualPair(study, family, records) {
  const cells = study.cells.filter((cell) => records.has(cell));
  const [first = [...records.keys()][0]] = cells;
  const counterpart = cells.find(
    (cell) =>
      cell !== first &&
      family.axes.every(({ name }) => name === "protocol" || family.level(cell, name) === family.level(first, name)),
  );
  return [first, counterpart ?? cells.find((cell) => cell !== first) ?? null];
}

/** Axes that name the cells: those of the study, and others on which the chosen ones differ. */
export function titleAxes(cells, study, family) {
  return family.axes
    .map(({ name }) => name)
    .filter(
      (name) =>
        study.vary.includes(name) ||
        cells.some((cell) => family.level(cell, name) !== family.level(study.cells[0], name)),
    );
}

/** Colour of each side: that of the first axis on which the two differ. */
function sideColors(cells, family, dark) {
  const differing = family.axes.find(
    ({ name }) => cells.length > 1 && family.level(cells[0], name) !== family.level(cells[1], name),
  );
  const axis = differing?.name ?? family.firstAxis;
  return cells.map((cell) => levelColor(family.level(cell, axis), dark));
}

function lastUpTo(passes, pass) {
  let index = 0;
  while (index + 1 < passes.length && passes[index + 1] <= pass) index++;
  return index;
}

/** One scale of losses and one of passes for both sides. */
function scalesOf(runs) {
  const rows = runs.flatMap((run) => PARTS.flatMap((part) => run.losses(part)));
  const domain = limitsOf(rows.map(({ loss }) => loss));
  // A run that is about to diverge leaves all others flat on a linear scale.
  const type = domain[0] > 0 && domain[1] > 1000 * domain[0] ? "log" : "linear";
  return {
    loss: { domain, type, ...(type === "log" && { tickFormat: "~g" }) },
    pass: Math.max(1, ...runs.map((run) => run.passes.at(-1))),
  };
}

/** Whether it plays, and the function that starts or stops it; it stops at the end. */
function usePlay(index, count, go) {
  const [playing, setPlaying] = useState(false);
  useEffect(() => {
    if (!playing) return;
    if (index === count - 1) return setPlaying(false);
    const timer = setTimeout(() => go(index + 1), INTERVAL);
    return () => clearTimeout(timer);
  }, [playing, index, count]);
  const play = (wanted) => {
    if (wanted && index === count - 1) go(0);
    setPlaying(wanted);
  };
  return [playing, play];
}

export function CellChoice({ name, value, optional, study, family, records, onChange }) {
  const own = study.cells.filter((cell) => records.has(cell));
  const others = [...records.keys()].filter((cell) => !own.includes(cell));
  const options = (cells, axes) =>
    cells.map((cell) => (
      <option key={cell} value={family.paths[cell]} selected={cell === value}>
        {family.title(cell, axes)}
      </option>
    ));
  return (
    <label>
      {name}{" "}
      <select
        value={value === null ? "none" : family.paths[value]}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        {optional && (
          <option value="none" selected={value === null}>
            nothing
          </option>
        )}
        <optgroup label="This study">{options(own, study.vary)}</optgroup>
        {others.length > 0 && <optgroup label="Others">{options(others, family.varied)}</optgroup>}
      </select>
    </label>
  );
}

function Side({ run, pass, title, color, time, losses, look, dashes }) {
  const number = run.at(pass);
  const { dataset, mismatch } = run;
  const state = mismatch ? {} : run.state(number);
  const drawable = !run.pictures || run.pictures.plane;
  const plane = !mismatch && dataset.features.length === 2 && dataset.parts.train && drawable;
  const names = LAYER_NAMES(run.record.layers.length);
  const standing = standingOf(run.record, run.place);
  const diverged = run.hasDiverged(pass);
  return (
    <article class="side" style={{ "--side": color }}>
      <h3>{title}</h3>
      {diverged && (
        <p class="note warning">
          This run diverged after {counted(run.divergedAt, time.name, time.plural)}: these are its
          last finite weights.
        </p>
      )}
      {run.pictures && (
        <p class="note">
          Computed beforehand: this {run.record.activation ? "activation" : "network"} has no form for
          the browser.
        </p>
      )}
      {standing && <p class="note">{standing}</p>}
      {mismatch && (
        <p class="note warning">
          Not shown: the browser computes another network than the one that was trained. After{" "}
          {counted(mismatch.pass, time.name, time.plural)} its training loss is{" "}
          {formatNumber(mismatch.computed)}, and {formatNumber(mismatch.recorded)} was recorded. The
          activation&rsquo;s form in JavaScript does not do what the activation does.
        </p>
      )}
      {run.draws > 1 && (
        <p class="note">
          Points: draw {run.draw} of {run.draws} (from 0), on which this seed was trained.
        </p>
      )}
      <dl class="figures">
        {[
          ["train", "Training"],
          ["heldout", "Held-out"],
        ]
          .filter(([part]) => state[part])
          .map(([part, words]) => (
            <>
              <dt>{words} loss</dt>
              <dd data-figure={`${part}_loss`}>{formatNumber(state[part].loss)}</dd>
              <dt>{words} accuracy</dt>
              <dd data-figure={`${part}_accuracy`}>{formatNumber(state[part].accuracy)}</dd>
            </>
          ))}
      </dl>
      {plane ? (
        <>
          <Boundary
            run={run}
            number={number}
            look={look}
            label={`Decision boundary of ${title} after ${counted(pass, time.name, time.plural)}, training accuracy ${formatNumber(state.train.accuracy)}`}
          />
          <p class="legend">
            {dataset.classes.slice(0, look.classes.length).map((name, i) => (
              <span key={name}>
                <span class="swatch round" style={{ background: look.classes[i] }} />
                class {name}
              </span>
            ))}
          </p>
        </>
      ) : (
        <p class="muted">
          {mismatch
            ? "No boundary, and no count of units: losses are those that were recorded."
            : dataset.parts.train
            ? `No boundary: ${dataset.label} has ${dataset.features.length} features, and a plane shows two.`
            : `The points of ${dataset.label} do not fit on this page, so losses are those that were recorded, and units are not counted.`}
        </p>
      )}
      <h4>Loss</h4>
      <LossCurve run={run} pass={run.passes[number]} {...{ color, time, losses, title, dashes }} />
      <h4>Hidden units</h4>
      <Units units={state.units} names={names} what={run.pieces > 1 ? "piece" : "unit"} />
      <h4>Weights</h4>
      {run.histograms.map((histogram, layer) => (
        <Histogram key={layer} name={names[layer]} histogram={histogram} number={number} color={color} />
      ))}
    </article>
  );
}

function LossCurve({ run, pass, color, time, losses, title, dashes }) {
  const rows = useMemo(() => PARTS.flatMap((part) => run.losses(part)), [run]);
  const cursor = rows.filter((row) => row.pass === pass);
  const powers = [0];
  for (let power = 1; power <= losses.pass; power *= 10) powers.push(power);
  return (
    <>
      <PlotFigure
        label={`Loss of ${title} over training, with the snapshot at ${counted(pass, time.name, time.plural)}`}
        depends={[rows, pass, color, losses]}
        options={(width) => ({
          height: 200,
          marginLeft: 48,
          marginBottom: 40,
          // Early passes get room; pass 0 has a place too.
          x: {
            type: "symlog",
            constant: 1,
            domain: [0, losses.pass],
            ticks: width < 340 ? powers.filter((_, i) => i % 2 === 0) : powers,
            tickFormat: (value) => value.toLocaleString("en-US"),
            label: `${time.label} →`,
          },
          y: { ...losses.loss, nice: true, ticks: 4, grid: true, label: "↑ Loss (nats)" },
          marks: [
            Plot.ruleX([pass], { stroke: "var(--ink)", strokeWidth: 1.5 }),
            ...PARTS.map((part) =>
              Plot.lineY(
                rows.filter((row) => row.part === part),
                { x: "pass", y: "loss", stroke: color, strokeWidth: 2, strokeDasharray: dashes[part] },
              ),
            ),
            Plot.dot(cursor, { x: "pass", y: "loss", fill: color, stroke: "var(--page)", r: 4.5 }),
          ],
        })}
      />
      <p class="legend muted">solid: training, dashed: held-out</p>
    </>
  );
}

function Units({ units, names, what }) {
  if (!units) return <p class="muted">Not counted.</p>;
  return (
    <div class="units">
      {units.map((shares, layer) => {
        const dead = shares.filter((share) => share === 1).length;
        const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
        return (
          <div key={layer}>
            <span class="words">
              {names[layer]}: <b data-figure="dead">{dead}</b> of {counted(shares.length, what)} dead,{" "}
              {(100 * mean).toFixed(1)}% saturated
            </span>
            <span class="squares" aria-hidden="true">
              {[...shares].map((share, i) => (
                <span
                  key={i}
                  class={share === 1 ? "unit dead" : "unit"}
                  style={{ "--share": `${100 * share}%` }}
                  title={`${what} ${i + 1}: saturated at ${(100 * share).toFixed(0)}% of the training points`}
                />
              ))}
            </span>
          </div>
        );
      })}
    </div>
  );
}

function Histogram({ name, histogram, number, color }) {
  const bins = histogram.counts[number];
  const spread = bins.filter(({ share }) => share > 0);
  return (
    <PlotFigure
      className="histogram"
      label={`Weights of the ${name.toLowerCase()}: from ${formatNumber(spread[0].from, 3)} to ${formatNumber(spread.at(-1).to, 3)}`}
      depends={[bins, color]}
      options={(width) => ({
        height: 92,
        marginLeft: 48,
        marginTop: 18,
        marginBottom: 24,
        x: { domain: [-histogram.largest, histogram.largest], ticks: Math.max(3, Math.floor(width / 90)), label: null },
        y: { domain: [0, histogram.highest], ticks: 2, tickFormat: "%", label: null, grid: true },
        marks: [
          Plot.rectY(bins, { x1: "from", x2: "to", y: "share", fill: color, inset: 0.5 }),
          Plot.ruleX([0], { stroke: "var(--line)" }),
          Plot.text([name], { frameAnchor: "top-left", dy: -16, fill: "var(--ink)" }),
        ],
      })}
    />
  );
}

/** Of some seeds, that of which the fewest are nearer the median of a cell. */
function nearestMedian(record, seeds) {
  const nearer = (seed) => record.nearer[record.seeds.data.indexOf(seed)] ?? Infinity;
  return seeds.reduce((best, seed) => (nearer(seed) < nearer(best) ? seed : best), seeds[0]);
}

/** Where a seed stands among all of its cell; nothing if it is the only one. */
function standingOf({ finished, nearer, comparedBy }, place) {
  const before = nearer[place];
  if (finished < 2 || before === null) {
    return "";
  }
  const of = `by ${comparedBy.toLowerCase()}, of ${finished} seeds`;
  return before === 0
    ? `This seed is the nearest to the median ${of}.`
    : `${counted(before, "seed")} ${before === 1 ? "is" : "are"} nearer the median ${of}.`;
}

/** What of the snapshots the page carries, and where all are. */
function accountOf({ cells, seeds, snapshots, ofCells, withSnapshots, ofSeeds, ofSnapshots }) {
  const part = (some, all, word) => (some < all ? `${some} of ${counted(all, word)}` : every(all, word));
  const held = `${part(cells, ofCells, "cell")} with ${part(Math.min(seeds, ofSeeds), ofSeeds, "seed")} and ${part(snapshots, ofSnapshots, "snapshot")} each`;
  const whole = cells === ofCells && seeds >= ofSeeds && snapshots >= ofSnapshots;
  return (
    `The page runs the networks itself, from weights in single precision: ${held}. ` +
    (withSnapshots < ofCells ? `${ofCells - withSnapshots} cells kept no snapshots. ` : "") +
    (seeds < ofSeeds ? "The seeds are those that are most often near the median of a cell. " : "") +
    (cells < withSnapshots ? "Those that differ least from the baseline come first. " : "") +
    (whole ? "" : "More does not fit on a page that a report can show; everything is in the cells' snapshots.npz. ") +
    "A unit is saturated at a point where its activation's slope is below 5% of its steepest, and dead if it is at every training point; its square is filled by the share of points at which it is saturated, and dark if it is dead. Weights are shown without the biases."
  );
}
