// The op graph by name scope: which boxes are seen, and where they stand.

import { Graph, layout } from "@dagrejs/dagre";

const AUXILIARY = /^(Const|VarHandleOp|VariableV2|Variable|ReadVariableOp|Placeholder|NoOp|Assign.*VariableOp|VarIsInitializedOp|Shape)$/;

/** Scopes and ops as a tree: Map of path to {path, name, parent, children, node, size, …}. */
export function buildTree(nodes) {
  const root = { path: "", name: "", parent: null, children: [], size: 0 };
  const items = new Map([["", root]]);
  const scopes = new Set();
  for (const { name } of nodes) {
    const parts = name.split("/");
    for (let end = 1; end < parts.length; end++) scopes.add(parts.slice(0, end).join("/"));
  }
  const scope = (path) => {
    if (items.has(path)) return items.get(path);
    const cut = path.lastIndexOf("/");
    const parent = scope(path.slice(0, Math.max(0, cut)));
    const item = { path, name: path.slice(cut + 1), parent, children: [], size: 0 };
    parent.children.push(item);
    items.set(path, item);
    return item;
  };
  const leaves = nodes.map((node, index) => {
    // An op whose name is a scope's too stands inside that scope.
    const inside = scopes.has(node.name);
    const path = inside ? `${node.name}/(${node.name.split("/").pop()})` : node.name;
    const cut = path.lastIndexOf("/");
    const parent = scope(path.slice(0, Math.max(0, cut)));
    const item = {
      path,
      name: path.slice(cut + 1),
      parent,
      node,
      index,
      size: 1,
      auxiliary: AUXILIARY.test(node.op),
    };
    parent.children.push(item);
    items.set(path, item);
    for (let up = parent; up; up = up.parent) up.size++;
    return item;
  });
  for (const item of items.values())
    if (item.children) item.auxiliary = item.path !== "" && item.children.every(isAuxiliary);
  return { root, items, leaves };
}

function isAuxiliary(item) {
  return item.children ? item.children.every(isAuxiliary) : item.auxiliary;
}

export function ancestors(item) {
  const list = [];
  for (let up = item.parent; up && up.path !== ""; up = up.parent) list.unshift(up);
  return list;
}

/** The box that stands for an op while only some scopes are open. */
function boxOf(leaf, open) {
  return ancestors(leaf).find(({ path }) => !open.has(path)) ?? leaf;
}

export function shapeText(shape) {
  if (!shape) return "";
  return shape.length ? shape.map((side) => (side < 0 ? "?" : side)).join("×") : "scalar";
}

/** Boxes and edges seen while some scopes are open: {boxes, clusters, edges}. */
export function visibleGraph({ leaves }, open, withAuxiliary) {
  const boxes = new Map();
  const clusters = new Map();
  const shown = leaves.map((leaf) => {
    const box = boxOf(leaf, open);
    if (!withAuxiliary && box.auxiliary) return null;
    boxes.set(box.path, box);
    for (const scope of ancestors(box)) clusters.set(scope.path, scope);
    return box;
  });
  const edges = new Map();
  leaves.forEach((leaf, i) => {
    for (const [from, output] of leaf.node.inputs) {
      const [source, target] = [shown[from], shown[i]];
      if (!source || !target || source === target) continue;
      const key = `${source.path}\n${target.path}`;
      if (!edges.has(key))
        edges.set(key, { key, source, target, tensors: new Map(), control: 0 });
      const edge = edges.get(key);
      if (output < 0) edge.control++;
      else edge.tensors.set(`${from}:${output}`, leaves[from].node.shapes[output] ?? null);
    }
  });
  return { boxes, clusters, edges: [...edges.values()] };
}

export function edgeText({ tensors }) {
  if (tensors.size === 0) return "";
  const texts = new Set([...tensors.values()].map(shapeText));
  const [only] = texts;
  if (tensors.size === 1) return only;
  return texts.size === 1 && only ? `${tensors.size} × (${only})` : `${tensors.size} tensors`;
}

const LETTER = 6.7;
export const BOX_HEIGHT = 30;

export function labelOf(item) {
  const text = item.name;
  return text.length > 30 ? `${text.slice(0, 29)}…` : text;
}

function widthOf(item) {
  const rest = item.children ? String(item.size).length * LETTER + 26 : 0;
  return Math.max(46, labelOf(item).length * LETTER + rest + 22);
}

/** Where boxes, open scopes and edges stand: {boxes, clusters, edges, width, height}. */
export function place({ boxes, clusters, edges }) {
  const graph = new Graph({ compound: true });
  graph.setGraph({ rankdir: "TB", nodesep: 22, ranksep: 34, edgesep: 12, marginx: 16, marginy: 16 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const scope of clusters.values())
    graph.setNode(scope.path, { label: scope.name, clusterLabelPos: "top" });
  for (const box of boxes.values())
    graph.setNode(box.path, {
      width: box.auxiliary ? widthOf(box) * 0.86 : widthOf(box),
      height: box.auxiliary ? BOX_HEIGHT - 6 : BOX_HEIGHT,
    });
  for (const item of [...clusters.values(), ...boxes.values()])
    if (item.parent.path !== "") graph.setParent(item.path, item.parent.path);
  for (const edge of edges) {
    const text = edgeText(edge);
    graph.setEdge(edge.source.path, edge.target.path, {
      width: text.length * 6,
      height: text ? 14 : 0,
      labelpos: "c",
    });
  }
  layout(graph);
  const spot = (item) => ({ item, ...graph.node(item.path) });
  // An open scope grows upwards, so that its name and those of open scopes in it have room.
  const levels = (item) =>
    1 + Math.max(0, ...item.children.filter(({ path }) => clusters.has(path)).map(levels));
  const titled = (item) => {
    const own = spot(item);
    const extra = 7 * levels(item);
    return { ...own, y: own.y - extra / 2, height: own.height + extra };
  };
  const { width, height } = graph.graph();
  return {
    boxes: [...boxes.values()].map(spot),
    clusters: [...clusters.values()].map(titled),
    edges: edges.map((edge) => ({
      ...edge,
      text: edgeText(edge),
      ...graph.edge(edge.source.path, edge.target.path),
    })),
    width,
    height,
  };
}
