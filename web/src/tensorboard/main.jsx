// A static TensorBoard: what event files hold, in one page.


import { render } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import "../shared/theme.css";
import "./style.css";
import { useAddress } from "../shared/address.js";
import { readableColor, useDark } from "../shared/colors.js";
import { counted } from "../shared/format.js";
import { insideBrushes } from "../shared/ParallelCoordinates.jsx";
import { followFrames } from "../shared/sideways.js";
import { Graph } from "./Graph.jsx";
import { HParams, hparamRows } from "./HParams.jsx";
import { Histograms } from "./Histograms.jsx";
import { Images } from "./Images.jsx";
import { RunsPanel } from "./RunsPanel.jsx";
import { Scalars } from "./Scalars.jsx";
import { loadBlock, makeFilter, nameTrials, shortNames } from "./data.js";


const DEFAULTS = {
  tab: "",
  runs: "",
  hidden: [],
  tags: "",
  toggled: [],
  smooth: -1,
  axis: "step",
  log: false,
  logTags: [],
  outliers: false,
  trials: false,
  band: "range",
  wide: [],
  zoom: {},
  ridges: "offset",
  run: "",
  step: -1,
  graph: 0,
  open: [],
  node: "",
  auxiliary: true,
  by: "trial",
  brushes: {},
  axes: [],
  color: "",
  sort: [],
  words: "",
  actual: false,
  brightness: 1,
  contrast: 1,
};
const DASHES = [undefined, "7 3", "2 2.5", "9 3 2 3"];

const TABS = [
  ["scalars", "Scalars", Scalars, "no scalars (tf.summary.scalar)"],
  ["images", "Images", Images, "no images (tf.summary.image)"],
  ["graph", "Graph", Graph, "no graph (tf.summary.graph)"],
  ["distributions", "Distributions", Histograms, "no histograms (tf.summary.histogram)"],
  ["histograms", "Histograms", Histograms, "no histograms (tf.summary.histogram)"],
  ["hparams", "HParams", HParams, "no hyperparameters (hparams_pb, hp.hparams)"],
];

function amounts(index) {
  return {
    scalars: index.scalars.length,
    images: index.images.length,
    graph: index.graphs.length,
    distributions: index.histograms.length,
    histograms: index.histograms.length,
    hparams: index.hparams ? index.runs.filter((run) => run.hparams).length : 0,
  };
}

/** Runs with what they are drawn with; runs of one colour differ in their dashes. */
function describeRuns(index, dark) {
  const { labels, common } = shortNames(index.runs.map(({ name }) => name));
  const trials = nameTrials(index.runs, labels);
  const distinct = new Set(index.colors).size === index.colors.length;
  const seen = new Map();
  const runs = index.runs.map((run, i) => {
    const color = index.colors[i];
    const before = seen.get(color) ?? 0;
    seen.set(color, before + 1);
    return {
      ...run,
      index: i,
      label: labels[i],
      groupLabel: trials.get(run.group),
      color: readableColor(color, dark),
      dash: DASHES[(distinct ? Math.floor(i / 8) : before) % DASHES.length],
    };
  });
  return { runs, common };
}

function App({ index, scalars }) {
  const [state, change] = useAddress(DEFAULTS);
  const dark = useDark();
  const { runs, common } = useMemo(() => describeRuns(index, dark), [index, dark]);
  const has = useMemo(() => amounts(index), [index]);
  const tab = TABS.some(([name]) => name === state.tab)
    ? state.tab
    : (TABS.find(([name]) => has[name]) ?? TABS[0])[0];
  const filter = useMemo(() => makeFilter(state.runs), [state.runs]);
  const rows = useMemo(
    () => (index.hparams ? hparamRows(index, scalars, runs, state.by) : { axes: [], rows: [] }),
    [index, scalars, runs, state.by],
  );
  const selection = useMemo(() => {
    if (!Object.keys(state.brushes).length) return null;
    const inside = rows.rows.filter((row) => insideBrushes(row.values, state.brushes, rows.axes));
    return new Set(inside.flatMap((row) => row.runs));
  }, [rows, state.brushes]);
  const hidden = useMemo(() => new Set(state.hidden), [state.hidden]);
  const matching = useMemo(
    () => runs.filter(({ name, label }) => filter.matches(name) || filter.matches(label)),
    [runs, filter],
  );
  const checked = useMemo(
    () => new Map(matching.filter(({ name }) => !hidden.has(name)).map((run) => [run.index, run])),
    [matching, hidden],
  );
  const visible = useMemo(
    () => new Map([...checked].filter(([i]) => !selection || selection.has(i))),
    [checked, selection],
  );
  useEscape(state.wide, (wide) => change({ wide }));
  const [, , Panel, lacking] = TABS.find(([name]) => name === tab);
  return (
    <>
      <header>
        <h1>{index.title}</h1>
        <p class="muted facts">
          {counted(runs.length, "run")} in <code>{index.logdir}</code>
          {common.length > 0 && (
            <>
              ; all in <code>{common.join("/")}</code>
            </>
          )}
        </p>
        <Notes index={index} />
      </header>
      <Tabs tab={tab} has={has} onChange={(name) => change({ tab: name })} />
      {selection && (
        <p class="chip" role="status">
          Selection by HParams: {counted([...selection].length, "run")} of {runs.length}
          <button type="button" onClick={() => change({ brushes: {} })}>
            Clear selection
          </button>
        </p>
      )}
      <div
        role="tabpanel"
        id="panel"
        aria-labelledby={`tab-${tab}`}
        class={tab === "graph" ? "" : "with-runs"}
      >
        {tab !== "graph" && (
          <RunsPanel
            {...{ runs, matching, hidden, visible, selection, filter, state, change, tab }}
          />
        )}
        <div class="content">
          {has[tab] ? (
            <Panel
              key={tab}
              {...{ index, scalars, runs, visible, checked, matching, state, change, rows, tab, dark }}
            />
          ) : (
            <p class="note">
              This page holds {lacking}.
              {(index.thinned || index.full) && " The remarks above say what was left out."}
            </p>
          )}
        </div>
      </div>
    </>
  );
}

/** Let Escape shrink the enlarged card that has the focus, else the one enlarged last. */
function useEscape(wide, change) {
  useEffect(() => {
    const shrink = (event) => {
      if (event.key !== "Escape" || event.defaultPrevented || !wide.length) return;
      const focused = event.target.closest?.("[data-tag]")?.dataset.tag;
      const shrunk = wide.includes(focused) ? focused : wide.at(-1);
      change(wide.filter((tag) => tag !== shrunk));
    };
    addEventListener("keydown", shrink);
    return () => removeEventListener("keydown", shrink);
  });
}

function Notes({ index }) {
  const { thinned, full, notes } = index;
  return (
    <>
      {thinned && (
        <p class="note">
          {counted(thinned.series, "series is", "series are")} thinned
          {thinned.limit && ` to at most ${thinned.limit.toLocaleString("en-US")} points`}:{" "}
          {thinned.kept.toLocaleString("en-US")} of {thinned.of.toLocaleString("en-US")} points are
          in this page.
        </p>
      )}
      {full && (
        <p class="note">
          All points are in the full page, <code>{full}</code>
          {location.protocol !== "data:" && (
            <>
              : <a href={full}>open it</a>
            </>
          )}
          .
        </p>
      )}
      {notes.length > 0 && (
        <details class="note warning" open={notes.length <= 3}>
          <summary>{counted(notes.length, "remark")} on the event files</summary>
          <ul>
            {notes.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Tabs({ tab, has, onChange }) {
  const list = useRef();
  const move = (event) => {
    const names = TABS.map(([name]) => name);
    const here = names.indexOf(tab);
    const next = {
      ArrowRight: (here + 1) % names.length,
      ArrowLeft: (here + names.length - 1) % names.length,
      Home: 0,
      End: names.length - 1,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    onChange(names[next]);
    list.current.children[next].focus();
  };
  return (
    <div role="tablist" aria-label="Kinds of data" ref={list} onKeyDown={move}>
      {TABS.map(([name, label]) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`tab-${name}`}
          aria-controls="panel"
          aria-selected={tab === name}
          tabIndex={tab === name ? 0 : -1}
          onClick={() => onChange(name)}
        >
          {label} <span class="amount">{has[name]}</span>
        </button>
      ))}
    </div>
  );
}

async function start() {
  const root = document.getElementById("app");
  try {
    const index = await loadBlock("index");
    const scalars = index.scalars.length ? (await loadBlock("scalars")).series : [];
    root.replaceChildren();
    render(<App index={index} scalars={scalars} />, root);
  } catch (error) {
    root.replaceChildren(`The page can't be shown: ${error.message}`);
    throw error;
  }
}

followFrames();
start();
