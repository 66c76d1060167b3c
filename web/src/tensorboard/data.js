// The page's data: blocks read when they are asked for, columns resolved, runs named shortly.

import { useEffect, useState } from "preact/hooks";
import { readBlock } from "../shared/payload.js";

const blocks = new Map();

/** The block of a name, undefined while it is read. */
export function useBlock(name) {
  const [block, setBlock] = useState(() => blocks.get(name)?.value);
  useEffect(() => {
    let wanted = true;
    loadBlock(name).then((value) => wanted && setBlock(value));
    return () => (wanted = false);
  }, [name]);
  return blocks.get(name)?.value ?? block;
}

export function loadBlock(name) {
  if (!blocks.has(name)) {
    const entry = {};
    entry.promise = readBlock(name).then((block) => (entry.value = plain(block)));
    blocks.set(name, entry);
  }
  return blocks.get(name).promise;
}

/** Columns as typed arrays; shared columns put where they are referred to. */
function plain(block) {
  const columns = (block.columns ?? []).map(({ data }) => data);
  const visit = (node) => {
    if (node === null || typeof node !== "object") return node;
    if (ArrayBuffer.isView(node.data)) return node.data;
    if (typeof node.ref === "number") return columns[node.ref];
    if (Array.isArray(node)) return node.map(visit);
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, visit(value)]));
  };
  return visit(block);
}

/**
 * Names of runs without the parts of their paths that all share: {labels, common}. Where a part
 * says "key~value" or "key=value" with the same key in all, the value is enough.
 */
export function shortNames(names) {
  const parts = names.map((name) => name.split("/"));
  const different = new Set(names).size > 1;
  if (!different || parts.some((part) => part.length !== parts[0].length))
    return { labels: names, common: [] };
  const places = parts[0].map((_, i) => i);
  const varies = places.map((i) => parts.some((part) => part[i] !== parts[0][i]));
  const keys = places.map((i) => {
    const key = /^[^~=]*[~=]/.exec(parts[0][i])?.[0];
    return key && parts.every((part) => part[i].startsWith(key)) ? key.length : 0;
  });
  const labels = parts.map((part) =>
    places
      .filter((i) => varies[i])
      .map((i) => part[i].slice(keys[i]))
      .join("/"),
  );
  return { labels, common: parts[0].filter((_, i) => !varies[i]) };
}

/** Names of trials: what the short names of their runs share. */
export function nameTrials(runs, labels) {
  const members = new Map();
  runs.forEach(({ group }, i) => members.set(group, [...(members.get(group) ?? []), labels[i]]));
  const names = [...members].map(([group, own]) => {
    const [first, ...others] = own.map((label) => label.split("/"));
    const shared = first.filter((part) => others.every((other) => other.includes(part)));
    return [group, shared.join("/") || (own.length > 1 ? group : own[0])];
  });
  const unique = new Set(names.map(([, name]) => name)).size === names.length;
  return new Map(unique ? names : names.map(([group]) => [group, group]));
}

/** A filter of texts by a regular expression: {matches, error}; an invalid one matches all. */
export function makeFilter(pattern) {
  if (!pattern) return { matches: () => true, error: null };
  try {
    const expression = new RegExp(pattern, "i");
    return { matches: (text) => expression.test(text), error: null };
  } catch (error) {
    const reason = error.message.split(": ").pop();
    return { matches: () => true, error: `Not a regular expression (${reason}): all are shown.` };
  }
}

/** Tags by the part before their first slash: [[prefix, [{tag, index, …}]]]. */
export function groupTags(tags, matches) {
  const groups = new Map();
  tags.forEach((entry, index) => {
    if (!matches(entry.tag) && !(entry.label && matches(entry.label))) return;
    const prefix = entry.tag.includes("/") ? entry.tag.split("/")[0] : entry.tag;
    if (!groups.has(prefix)) groups.set(prefix, []);
    groups.get(prefix).push({ ...entry, index });
  });
  return [...groups];
}
