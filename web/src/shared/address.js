// The state of a page in the fragment of its address, so that a view can be linked.

import { useCallback, useEffect, useState } from "preact/hooks";

/** Settings that differ from the defaults, as the text of a fragment without its "#". */
export function writeFragment(state, defaults) {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(state))
    if (JSON.stringify(value) !== JSON.stringify(defaults[key]))
      parameters.set(key, typeof value === "string" ? value : JSON.stringify(value));
  return parameters.toString();
}

/** The defaults, overridden by what a fragment says of known settings of the same type. */
export function readFragment(text, defaults) {
  const state = { ...defaults };
  for (const [key, value] of new URLSearchParams(text.replace(/^#/, "")))
    if (key in defaults) state[key] = parse(value, defaults[key]) ?? defaults[key];
  return state;
}

function parse(text, like) {
  if (typeof like === "string") return text;
  try {
    const value = JSON.parse(text);
    const same = typeof value === typeof like && Array.isArray(value) === Array.isArray(like);
    return same || like === null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** State and a function that changes some of its settings; the address follows. */
export function useAddress(defaults) {
  const [state, setState] = useState(() => readFragment(location.hash, defaults));
  useEffect(() => {
    const follow = () => setState(readFragment(location.hash, defaults));
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  useEffect(() => {
    // Browsers refuse many changes in a row, as the dragging of a slider would make.
    const timer = setTimeout(() => {
      const fragment = writeFragment(state, defaults);
      if (fragment === location.hash.replace(/^#/, "")) return;
      try {
        history.replaceState(null, "", `#${fragment}`);
      } catch {
        // In a report the page has a data address, which may not be changed: no links there.
      }
    }, 200);
    return () => clearTimeout(timer);
  }, [state]);
  const change = useCallback((part) => setState((before) => ({ ...before, ...part })), []);
  return [state, change];
}
