// A table that sorts, filters, selects, and hands over exactly what it shows.

import { useMemo, useState } from "preact/hooks";
import "./components.css";
import "./tables.css";
import { CopyButtons } from "./CopyButtons.jsx";
import { columnFormat, counted } from "./format.js";

const PAGE = 500;

/**
 * @param {Array<{name, label, kind: "number"|"text"|"boolean", key?, swatch?, format?, text?}>}
 *   columns key: whether it identifies a row, and stays in view; swatch: whether the rows' colour is
 *   that of its values (of none: it is the row's, beside the first); format: function of a value, its row, and
 *   the function that writes a number of this column, which returns text or an element; text: the
 *   same for copies, where it returns an element that is more than the number
 * @param {Array<{id, values: object, color?}>} rows
 * @param {Array} [selected] ids of the chosen rows; with onSelect each row has a checkbox
 * @param {(ids: Array) => void} [onSelect]
 * @param {string} caption what the table holds
 * @param {string} [what] names the table on a page of several, see `addCopying`
 * @param {string} [file] name of downloaded files; without one, a short table has no filter
 * @param {{sort: [string, "ascending"|"descending"]|null, filter: string}} [view] together with
 *   onView: where the caller wants to keep what the reader sorts and filters by
 */
export function DataTable({
  columns,
  rows,
  selected,
  onSelect,
  caption,
  what,
  file,
  view,
  onView,
  highlighted,
  onHighlight,
}) {
  const [own, setOwn] = useState({ sort: null, filter: "" });
  const [page, setPage] = useState(0);
  const { sort, filter } = view ?? own;
  const change = (part) => {
    setPage(0);
    onView ? onView({ sort, filter, ...part }) : setOwn({ sort, filter, ...part });
  };
  const shown = useMemo(
    () => sortRows(filterRows(rows, columns, filter), columns, sort),
    [rows, columns, filter, JSON.stringify(sort)],
  );
  const pages = Math.max(1, Math.ceil(shown.length / PAGE));
  const current = Math.min(page, pages - 1);
  const visible = shown.slice(current * PAGE, (current + 1) * PAGE);
  const chosen = new Set(selected ?? []);
  const cycle = (name) => {
    const [last, order] = sort ?? [];
    if (last !== name) change({ sort: [name, "ascending"] });
    else change({ sort: order === "ascending" ? [name, "descending"] : null });
  };
  const toggle = (id) =>
    onSelect(chosen.has(id) ? selected.filter((one) => one !== id) : [...(selected ?? []), id]);
  const names = columns.map((column) => column.name);
  const colored = Math.max(0, columns.findIndex(({ swatch }) => swatch));
  const valuesOf = (row) => names.map((name) => row.values[name]);
  const written = useMemo(
    () =>
      columns.map((column) => {
        if (column.kind !== "number") return { ...column, write: (value) => String(value ?? "none") };
        return { ...column, write: columnFormat(rows.map(({ values }) => values[column.name])) };
      }),
    [columns, rows],
  );
  const read = () => ({
    heads: columns.map((column) => column.label),
    names,
    numbers: columns.map((column) => column.kind === "number"),
    values: shown.map(valuesOf),
    texts: shown.map((row) => written.map((column) => textOf(column, row))),
  });

  return (
    <div class="data-table">
      <div class="bar">
        {file && (
          <>
            <label>
              Filter{" "}
              <input
                type="search"
                value={filter}
                placeholder="words in a row"
                onInput={(event) => change({ filter: event.currentTarget.value })}
              />
            </label>
            <output>
              {shown.length === rows.length
                ? counted(rows.length, "row")
                : `${shown.length.toLocaleString("en-US")} of ${counted(rows.length, "row")}`}
            </output>
          </>
        )}
        {pages > 1 && (
          <span class="pages">
            <button type="button" disabled={current === 0} onClick={() => setPage(current - 1)}>
              Previous rows
            </button>{" "}
            page {current + 1} of {pages}{" "}
            <button
              type="button"
              disabled={current === pages - 1}
              onClick={() => setPage(current + 1)}
            >
              Next rows
            </button>
          </span>
        )}
        <CopyButtons read={read} what={what} file={file} />
      </div>
      <div class="table-scroll" tabIndex={0} role="region" aria-label={caption}>
        <table>
          <caption class="only-read">{caption}</caption>
          <thead>
            <tr>
              {onSelect && (
                <th scope="col">
                  <input
                    type="checkbox"
                    aria-label="Choose all rows shown"
                    checked={shown.length > 0 && shown.every((row) => chosen.has(row.id))}
                    onChange={(event) =>
                      onSelect(event.currentTarget.checked ? shown.map((row) => row.id) : [])
                    }
                  />
                </th>
              )}
              {columns.map((column, place) => (
                <th
                  key={column.name}
                  scope="col"
                  {...lookOf(column, place + Boolean(onSelect))}
                  aria-sort={sort?.[0] === column.name ? sort[1] : "none"}
                >
                  <button type="button" onClick={() => cycle(column.name)}>
                    {column.label}
                    <span aria-hidden="true" class="order">
                      {sort?.[0] !== column.name ? "" : sort[1] === "ascending" ? " ▲" : " ▼"}
                    </span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {visible.map((row) => (
              <tr
                key={row.id}
                class={row.id === highlighted ? "highlighted" : undefined}
                onPointerEnter={onHighlight && (() => onHighlight(row.id))}
                onPointerLeave={onHighlight && (() => onHighlight(null))}
              >
                {onSelect && (
                  <td>
                    <input
                      type="checkbox"
                      aria-label={`Choose ${row.id}`}
                      checked={chosen.has(row.id)}
                      onChange={() => toggle(row.id)}
                    />
                  </td>
                )}
                {written.map((column, index) => (
                  <td key={column.name} {...lookOf(column, index + Boolean(onSelect))}>
                    {index === colored && row.color && (
                      <span class="swatch" style={{ background: row.color }} />
                    )}
                    {cell(column, row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {shown.length === 0 && <p class="muted">No row has these words.</p>}
      </div>
    </div>
  );
}

/** Class and style of a cell in a column with so many before it. */
function lookOf({ kind, key }, place) {
  return key
    ? { class: `${kind} key`, style: { left: `var(--left-${place}, auto)` } }
    : { class: kind };
}

function cell(column, row) {
  const value = row.values[column.name];
  if (column.format) return column.format(value, row, column.write);
  if (value === null || value === undefined) return <span class="muted">none</span>;
  return textOf(column, row);
}

/** What a cell says; of one with a picture, the value beside it. */
function textOf(column, row) {
  const value = row.values[column.name];
  const formatted = (column.text ?? column.format)?.(value, row, column.write);
  return typeof formatted === "string" ? formatted : column.write(value);
}

function filterRows(rows, columns, filter) {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return rows;
  return rows.filter((row) => {
    const text = columns
      .flatMap(({ name, format }) => {
        const value = row.values[name];
        const formatted = format?.(value, row);
        return [value, typeof formatted === "string" ? formatted : ""];
      })
      .join(" ")
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

const missing = (value) => value === null || value === undefined || Number.isNaN(value);

function sortRows(rows, columns, sort) {
  if (!sort || !columns.some(({ name }) => name === sort[0])) return rows;
  const [name, order] = sort;
  const sign = order === "descending" ? -1 : 1;
  return [...rows].sort((one, other) => {
    const [a, b] = [one.values[name], other.values[name]];
    // Missing values stand last in both orders.
    if (missing(a) || missing(b)) return missing(a) - missing(b);
    if (typeof a === "number" && typeof b === "number") return sign * (a - b || 0);
    return sign * String(a).localeCompare(String(b), "en", { numeric: true });
  });
}
