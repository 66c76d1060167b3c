// Frames that go on sideways say so, and keep the columns that identify a row in view.

import "./sideways.css";

/** Mark every frame of the page that can be scrolled sideways, now and whenever something moves. */
export function followFrames() {
  let due = false;
  const mark = () => {
    due = false;
    for (const frame of document.querySelectorAll("[tabindex='0'], [data-sideways]")) markFrame(frame);
  };
  const soon = () => {
    if (!due) requestAnimationFrame(mark);
    due = true;
  };
  new MutationObserver(soon).observe(document.body, { childList: true, subtree: true });
  new ResizeObserver(soon).observe(document.body);
  for (const event of ["scroll", "toggle"])
    document.addEventListener(event, soon, { capture: true, passive: true });
  soon();
}

/** Say on which sides of a frame there is more: data-more is "after", "before" or "both". */
function markFrame(frame) {
  const scrolls = ["auto", "scroll"].includes(getComputedStyle(frame).overflowX);
  const hidden = scrolls ? frame.scrollWidth - frame.clientWidth : 0;
  if (hidden <= 1) return frame.removeAttribute("data-more");
  for (const table of frame.querySelectorAll(":scope > table")) freezeColumns(table, frame);
  const [before, after] = [frame.scrollLeft > 1, frame.scrollLeft < hidden - 1];
  frame.dataset.more = before && after ? "both" : before ? "before" : "after";
  // The bar that scrolls downwards does not fade.
  frame.style.setProperty("--bar", `${frame.offsetWidth - frame.clientWidth}px`);
}

/** Let the columns of class "key" stay in view, as far as they leave room for the others. */
function freezeColumns(table, frame) {
  let left = 0;
  let fits = true;
  for (const head of table.querySelectorAll("thead th.key")) {
    const { width } = head.getBoundingClientRect();
    fits &&= left + width <= (left ? 0.4 : 0.6) * frame.clientWidth;
    table.style.setProperty(`--left-${head.cellIndex}`, fits ? `${Math.floor(left)}px` : "auto");
    left += width;
  }
}
