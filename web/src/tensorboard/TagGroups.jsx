// Tags under their prefixes: a section each, that opens and closes, with a card per tag.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { counted } from "../shared/format.js";
import { groupTags, makeFilter } from "./data.js";

/** The field that filters tags by a pattern; every tab with tags has it. */
export function TagFilter({ state, change }) {
  const { error } = makeFilter(state.tags);
  return (
    <label class="field">
      Filter tags
      <input
        type="search"
        value={state.tags}
        placeholder="regular expression"
        aria-invalid={error ? "true" : "false"}
        onInput={(event) => change({ tags: event.currentTarget.value })}
      />
      <span class="error" role="status">
        {error}
      </span>
    </label>
  );
}

/**
 * The first group is open, and every group is while tags are filtered; `state.toggled` names those
 * that the reader opened or closed. `card` draws one tag, or `several` cards of one.
 */
export function TagGroups({ tags, state, change, card, several = false }) {
  const filter = useMemo(() => makeFilter(state.tags), [state.tags]);
  const groups = useMemo(() => groupTags(tags, filter.matches), [tags, filter]);
  const all = groups.map(([prefix]) => prefix);
  const standard = (i) => i === 0 || state.tags !== "";
  const isOpen = (prefix, i) => standard(i) !== state.toggled.includes(prefix);
  const setAll = (open) => change({ toggled: all.filter((_, i) => standard(i) !== open) });
  if (!groups.length) return <p class="note">No tag matches the pattern.</p>;
  return (
    <>
      {groups.length > 1 && (
        <p class="bar">
          <button type="button" onClick={() => setAll(true)}>
            Open all groups
          </button>
          <button type="button" onClick={() => setAll(false)}>
            Close all groups
          </button>
        </p>
      )}
      {groups.map(([prefix, entries], i) => (
        <section key={prefix} class="group">
          <h2>
            <button
              type="button"
              aria-expanded={isOpen(prefix, i)}
              onClick={() =>
                change({
                  toggled: state.toggled.includes(prefix)
                    ? state.toggled.filter((name) => name !== prefix)
                    : [...state.toggled, prefix],
                })
              }
            >
              <span aria-hidden="true">{isOpen(prefix, i) ? "▾" : "▸"}</span> {prefix}{" "}
              <span class="amount">{counted(entries.length, "tag")}</span>
            </button>
          </h2>
          {isOpen(prefix, i) && (
            <div class="cards">
              {entries.map((entry) => (
                <Lazy
                  key={entry.tag}
                  kind={state.wide.includes(entry.tag) ? "full" : several ? "several" : ""}
                >
                  {() => card(entry)}
                </Lazy>
              ))}
            </div>
          )}
        </section>
      ))}
    </>
  );
}

/** Draws what it holds while that is near what the reader sees, and keeps its height otherwise. */
function Lazy({ children, kind }) {
  const holder = useRef();
  const [near, setNear] = useState(false);
  const [height, setHeight] = useState(300);
  useEffect(() => {
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (!entry.isIntersecting && entry.boundingClientRect.height)
          setHeight(entry.boundingClientRect.height);
        setNear(entry.isIntersecting);
      },
      { rootMargin: "400px 0px" },
    );
    observer.observe(holder.current);
    return () => observer.disconnect();
  }, []);
  return (
    <div
      ref={holder}
      class={`slot ${kind}`}
      style={near ? undefined : { minHeight: `${height}px` }}
    >
      {near && children()}
    </div>
  );
}
