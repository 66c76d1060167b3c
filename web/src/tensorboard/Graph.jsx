// The op graph: scopes open and close, edges carry shapes, a panel tells about one node.

import { select } from "d3-selection";
import { curveBasis, line } from "d3-shape";
import { zoom as makeZoom, zoomIdentity } from "d3-zoom";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { counted } from "../shared/format.js";
import { useWidth } from "../shared/useWidth.js";
import { Check } from "./Scalars.jsx";
import { ancestors, buildTree, labelOf, place, shapeText, visibleGraph } from "./graph.js";
import { useBlock } from "./data.js";
import { savePicture } from "./picture.js";

const MAX_FOUND = 30;
const LEGIBLE = 0.6;

export function Graph({ index, runs, state, change }) {
  const which = Math.min(state.graph, index.graphs.length - 1);
  const block = useBlock(`graph-${which}`);
  return (
    <>
      {index.graphs.length > 1 && (
        <label class="field">
          Graph of run
          <select
            value={which}
            onChange={(event) =>
              change({ graph: Number(event.currentTarget.value), open: [], node: "" })
            }
          >
            {index.graphs.map(({ run }, i) => (
              <option key={i} value={i}>
                {runs[run].label}
              </option>
            ))}
          </select>
        </label>
      )}
      {block ? (
        <Picture key={which} nodes={block.nodes} {...{ state, change }} />
      ) : (
        <p class="muted">Reading…</p>
      )}
    </>
  );
}

function Picture({ nodes, state, change }) {
  const tree = useMemo(() => buildTree(nodes), [nodes]);
  const open = useMemo(() => new Set(state.open), [state.open]);
  const placed = useMemo(
    () => place(visibleGraph(tree, open, state.auxiliary)),
    [tree, open, state.auxiliary],
  );
  const holder = useRef();
  const width = useWidth(holder);
  const height = Math.max(420, Math.min(720, innerHeight - 300));
  const svg = useRef();
  const layer = useRef();
  const zoom = useRef();
  const chosen = state.node ? tree.items.get(state.node) : undefined;

  useEffect(() => {
    if (!width) return;
    zoom.current = makeZoom()
      .scaleExtent([0.05, 4])
      .on("zoom", ({ transform }) => layer.current.setAttribute("transform", transform));
    select(svg.current).call(zoom.current).on("dblclick.zoom", null);
  }, [width]);
  const move = (transform) => select(svg.current).call(zoom.current.transform, transform);
  const fit = (least = 0) => {
    const scale = Math.max(least, Math.min(1.25, width / placed.width, height / placed.height));
    move(zoomIdentity.translate((width - placed.width * scale) / 2, 0).scale(scale));
  };
  const spots = useMemo(
    () => new Map([...placed.clusters, ...placed.boxes].map((spot) => [spot.item.path, spot])),
    [placed],
  );
  const centre = (path) => {
    const spot = spots.get(path);
    if (!spot) return;
    move(zoomIdentity.translate(width / 2, height / 2).scale(1).translate(-spot.x, -spot.y));
  };
  // A new picture is shown whole, or legibly around the node that was chosen.
  useEffect(() => {
    if (!width) return;
    const scale = Math.min(width / placed.width, height / placed.height);
    if (scale < LEGIBLE && spots.has(state.node)) centre(state.node);
    else fit(LEGIBLE);
  }, [placed, width]);

  const saveWhole = () => {
    const moved = layer.current.getAttribute("transform");
    layer.current.setAttribute("transform", "");
    svg.current.setAttribute("viewBox", `0 0 ${placed.width} ${placed.height}`);
    savePicture(svg.current, "graph", []);
    svg.current.setAttribute("viewBox", `0 0 ${width} ${height}`);
    layer.current.setAttribute("transform", moved);
  };
  const toggle = (item) => {
    const inside = (path) => path === item.path || path.startsWith(`${item.path}/`);
    change({
      node: item.path,
      open: open.has(item.path)
        ? state.open.filter((path) => !inside(path))
        : [...state.open, item.path],
    });
  };
  const reveal = (item) => {
    const needed = ancestors(item).map(({ path }) => path);
    change({ node: item.path, open: [...new Set([...state.open, ...needed])] });
  };
  useEffect(() => {
    if (width && chosen && spots.has(chosen.path) && !inView(spots.get(chosen.path), svg.current, layer.current))
      centre(chosen.path);
  }, [state.node]);

  const current = spots.has(state.node) ? state.node : placed.boxes[0]?.item.path;
  const onKey = (event, spot) => {
    if (event.key === "Enter" || event.key === " ") {
      if (spot.item.children) toggle(spot.item);
      else change({ node: spot.item.path });
    } else if (event.key.startsWith("Arrow")) {
      const next = neighbour(spots, spot, event.key.slice(5));
      if (next) {
        change({ node: next.item.path });
        focusOn(svg, next.item.path);
      }
    } else return;
    event.preventDefault();
  };
  // What was opened or closed has another place in the picture, and keeps the focus.
  const last = useRef(state.open);
  useEffect(() => {
    if (last.current !== state.open && svg.current?.contains(document.activeElement) === false) {
      const lost = document.activeElement === document.body;
      if (lost) focusOn(svg, state.node);
    }
    last.current = state.open;
  }, [placed]);

  const props = (spot, kind) => ({
    role: "button",
    // In lower case, since names of attributes in an SVG keep their case.
    tabindex: spot.item.path === current ? 0 : -1,
    "data-path": spot.item.path,
    "aria-label": describe(spot.item, kind === "cluster"),
    "aria-expanded": spot.item.children ? kind === "cluster" : undefined,
    "aria-pressed": spot.item.children ? undefined : spot.item.path === state.node,
    onKeyDown: (event) => onKey(event, spot),
    onClick: () => (spot.item.children ? toggle(spot.item) : change({ node: spot.item.path })),
    class: `${kind} ${spot.item.children ? "scope" : "op"} ${spot.item.auxiliary ? "auxiliary" : ""} ${spot.item.path === state.node ? "chosen" : ""}`,
  });

  return (
    <>
      <div class="bar controls">
        <Search {...{ tree, reveal }} />
        <Check
          label="Constants and variables"
          checked={state.auxiliary}
          onChange={(auxiliary) => change({ auxiliary })}
        />
        <span class="buttons">
          <button type="button" onClick={() => select(svg.current).call(zoom.current.scaleBy, 1.4)}>
            Zoom in
          </button>
          <button type="button" onClick={() => select(svg.current).call(zoom.current.scaleBy, 1 / 1.4)}>
            Zoom out
          </button>
          <button type="button" onClick={() => fit()}>
            Fit
          </button>
          <button type="button" disabled={!state.open.length} onClick={() => change({ open: [] })}>
            Close all scopes
          </button>
          <button type="button" onClick={saveWhole}>
            Download SVG
          </button>
        </span>
      </div>
      <p class="muted small">
        {counted(nodes.length, "op")}; {counted(placed.boxes.length, "box", "boxes")} and{" "}
        {counted(placed.edges.length, "edge")} are seen. Click or press Enter on a scope to open or
        close it; drag to move, arrow keys go to the next box.
      </p>
      <div class="graph">
        <div class="canvas" ref={holder}>
          {width > 0 && (
            <svg
              ref={svg}
              class="frame"
              width={width}
              height={height}
              viewBox={`0 0 ${width} ${height}`}
              role="group"
              aria-label={`Graph of ${counted(nodes.length, "op")}`}
            >
              <defs>
                <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerUnits="userSpaceOnUse" markerWidth="8" markerHeight="8" orient="auto">
                  <path d="M0,1L7,4L0,7Z" />
                </marker>
              </defs>
              <g ref={layer}>
                {placed.clusters.map((spot) => (
                  <g key={spot.item.path} {...props(spot, "cluster")}>
                    <rect
                      x={spot.x - spot.width / 2}
                      y={spot.y - spot.height / 2}
                      width={spot.width}
                      height={spot.height}
                      rx="10"
                    />
                    <text x={spot.x - spot.width / 2 + 10} y={spot.y - spot.height / 2 + 16}>
                      − {labelOf(spot.item)}
                    </text>
                  </g>
                ))}
                {placed.edges.map((edge) => (
                  <Edge key={edge.key} edge={edge} chosen={state.node} />
                ))}
                {placed.boxes.map((spot) => (
                  <g key={spot.item.path} {...props(spot, "box")}>
                    <rect
                      x={spot.x - spot.width / 2}
                      y={spot.y - spot.height / 2}
                      width={spot.width}
                      height={spot.height}
                      rx={spot.item.children ? 7 : spot.height / 2}
                    />
                    <text x={spot.x} y={spot.y} dy="0.34em" text-anchor="middle">
                      {spot.item.children ? `+ ${labelOf(spot.item)} (${spot.item.size})` : labelOf(spot.item)}
                    </text>
                    <title>{describe(spot.item)}</title>
                  </g>
                ))}
              </g>
            </svg>
          )}
        </div>
        <aside aria-label="Chosen node">
          {chosen ? (
            <Facts item={chosen} tree={tree} reveal={reveal} />
          ) : (
            <p class="muted">Choose a box to read its op, attributes, inputs and outputs.</p>
          )}
        </aside>
      </div>
    </>
  );
}

function describe(item, isOpen = false) {
  if (item.children) return `scope ${item.path}, ${counted(item.size, "op")}${isOpen ? ", open" : ""}`;
  return `${item.node.op} ${item.node.name}`;
}

function focusOn(svg, path) {
  setTimeout(() => svg.current?.querySelector(`[data-path="${CSS.escape(path)}"]`)?.focus(), 0);
}

function inView(spot, svg, layer) {
  const matrix = layer.getCTM();
  const [x, y] = [spot.x * matrix.a + matrix.e, spot.y * matrix.d + matrix.f];
  return x > 0 && y > 0 && x < svg.clientWidth && y < svg.clientHeight;
}

/** The box nearest in a direction. */
function neighbour(spots, from, direction) {
  const [dx, dy] = { Up: [0, -1], Down: [0, 1], Left: [-1, 0], Right: [1, 0] }[direction];
  let best = null;
  let least = Infinity;
  for (const spot of spots.values()) {
    const [x, y] = [spot.x - from.x, spot.y - from.y];
    const along = x * dx + y * dy;
    const cost = along + 2.5 * Math.abs(x * dy - y * dx);
    if (spot !== from && along > 1 && cost < least) [best, least] = [spot, cost];
  }
  return best;
}

function Edge({ edge, chosen }) {
  const path = line(({ x }) => x, ({ y }) => y)
    .curve(curveBasis)
    .digits(1)(edge.points);
  const near = edge.source.path === chosen || edge.target.path === chosen;
  const count = edge.tensors.size;
  const faint = edge.source.auxiliary || edge.target.auxiliary;
  return (
    <g class={`edge ${count ? "" : "control"} ${near ? "near" : ""} ${faint ? "auxiliary" : ""}`}>
      <path
        d={path}
        fill="none"
        stroke-width={count ? 1.2 + Math.log2(count) * 0.7 : 1}
        marker-end="url(#arrow)"
      />
      {edge.text && (
        <text x={edge.x} y={edge.y} dy="0.32em" text-anchor="middle">
          {edge.text}
          <title>{[...edge.tensors.values()].map(shapeText).filter(Boolean).join("\n")}</title>
        </text>
      )}
    </g>
  );
}

function Search({ tree, reveal }) {
  const [words, setWords] = useState("");
  const found = useMemo(() => {
    const text = words.trim().toLowerCase();
    if (!text) return [];
    return [...tree.items.values()].filter(
      ({ path, node }) =>
        path.toLowerCase().includes(text) || node?.op.toLowerCase().includes(text),
    );
  }, [words, tree]);
  return (
    <div class="search">
      <label class="field">
        Search for a node
        <input
          type="search"
          value={words}
          placeholder="part of a name or op"
          onInput={(event) => setWords(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && found.length) reveal(found[0]);
            if (event.key === "Escape") setWords("");
          }}
        />
      </label>
      {words.trim() && (
        <div class="found">
          <output>
            {counted(found.length, "node")}
            {found.length > MAX_FOUND && `, the first ${MAX_FOUND} listed`}
          </output>
          <ul>
            {found.slice(0, MAX_FOUND).map((item) => (
              <li key={item.path}>
                <button type="button" onClick={() => reveal(item)}>
                  {item.path} <span class="muted">{item.node?.op ?? counted(item.size, "op")}</span>
                </button>
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}

function Facts({ item, tree, reveal }) {
  const { node } = item;
  if (!node)
    return (
      <>
        <h2>{item.path}</h2>
        <p>
          A scope of {counted(item.size, "op")}, {counted(item.children.length, "part")} directly in
          it.
        </p>
      </>
    );
  const outputs = tree.leaves.flatMap((leaf) =>
    leaf.node.inputs
      .filter(([from]) => from === item.index)
      .map(([, output]) => ({ leaf, output })),
  );
  const link = (leaf, output, shape, key) => (
    <li key={key}>
      <button type="button" class="link" onClick={() => reveal(leaf)}>
        {leaf.node.name}
      </button>{" "}
      <span class="muted">
        {output < 0 ? "control" : shapeText(shape) || (output > 0 ? `output ${output}` : "")}
      </span>
    </li>
  );
  return (
    <>
      <h2>{node.name}</h2>
      <dl>
        <dt>Op</dt>
        <dd>{node.op}</dd>
        {node.device && (
          <>
            <dt>Device</dt>
            <dd>{node.device}</dd>
          </>
        )}
        <dt>Output shapes</dt>
        <dd>{node.shapes.map((shape) => shapeText(shape) || "unknown").join(", ") || "not stated"}</dd>
      </dl>
      <h3>Attributes ({Object.keys(node.attributes).length})</h3>
      <dl>
        {Object.entries(node.attributes).map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <h3>Inputs ({node.inputs.length})</h3>
      <ul>
        {node.inputs.map(([from, output], i) =>
          link(tree.leaves[from], output, tree.leaves[from].node.shapes[output], i),
        )}
      </ul>
      <h3>Outputs ({outputs.length})</h3>
      <ul>
        {outputs.map(({ leaf, output }, i) => link(leaf, output, node.shapes[output], i))}
      </ul>
    </>
  );
}
