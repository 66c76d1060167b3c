// Which runs are drawn.

import { useEffect, useRef } from "preact/hooks";
import { Breakable } from "../shared/Breakable.jsx";
import { counted } from "../shared/format.js";

export function Swatch({ color, dash }) {
  return (
    <svg class="line-swatch" width="22" height="10" aria-hidden="true">
      <line x1="1" x2="21" y1="5" y2="5" stroke={color} stroke-width="3" stroke-dasharray={dash} />
    </svg>
  );
}

export function RunsPanel({ runs, matching, hidden, visible, selection, filter, state, change, tab }) {
  const box = useRef();
  useEffect(() => {
    // Beside the data there is room for the list from here on; above it, it opens on demand.
    box.current.open = matchMedia("(min-width: 900px)").matches;
  }, []);
  const names = matching.map(({ name }) => name);
  const hide = (list, add) => {
    const others = state.hidden.filter((name) => !list.includes(name));
    change({ hidden: add ? [...others, ...list] : others });
  };
  const only = (name) => change({ hidden: names.filter((other) => other !== name) });
  const trials = new Set(runs.map(({ group }) => group)).size;
  return (
    <details class="runs" ref={box}>
      <summary>
        <h2>Runs</h2>{" "}
        <output>
          {visible.size} of {counted(runs.length, "run")} shown
        </output>
      </summary>
      <label class="field">
        Filter runs by pattern
        <input
          type="search"
          value={state.runs}
          placeholder="regular expression"
          aria-invalid={filter.error ? "true" : "false"}
          aria-describedby="runs-error"
          onInput={(event) => change({ runs: event.currentTarget.value })}
        />
      </label>
      <p id="runs-error" class="error" role="status">
        {filter.error}
      </p>
      <p class="bar">
        <button type="button" onClick={() => hide(names, false)}>
          Show all
        </button>
        <button type="button" onClick={() => hide(names, true)}>
          Hide all
        </button>
      </p>
      {trials < runs.length && tab === "scalars" && (
        <fieldset class="plain">
          <legend class="only-read">Seeds</legend>
          <label>
            <input
              type="checkbox"
              checked={state.trials}
              onChange={(event) => change({ trials: event.currentTarget.checked })}
            />{" "}
            Seeds as mean and band
          </label>
          <label class="field">
            Band
            <select
              value={state.band}
              disabled={!state.trials}
              onChange={(event) => change({ band: event.currentTarget.value })}
            >
              <option value="range">lowest to highest run</option>
              <option value="interval">95% interval of the mean (Student)</option>
            </select>
          </label>
        </fieldset>
      )}
      {matching.length === 0 && <p class="muted">No run matches the pattern.</p>}
      <ul>
        {matching.map(({ name, label, color, dash, status, index }) => (
          <li key={name} class={selection && !selection.has(index) ? "outside" : ""}>
            <label title={name}>
              <input
                type="checkbox"
                checked={!hidden.has(name)}
                onChange={(event) => hide([name], !event.currentTarget.checked)}
              />
              <Swatch color={color} dash={dash} />
              <span>
                <Breakable text={label} />
                {status && status !== "success" && status !== "unknown" && (
                  <em class="status"> {status}</em>
                )}
              </span>
            </label>
            <button type="button" aria-label={`Show only ${label}`} onClick={() => only(name)}>
              only
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}
