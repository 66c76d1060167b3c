// The buttons that copy and download a table, of any table that is drawn with Preact.

import { useEffect, useRef } from "preact/hooks";
import { addCopying } from "./copying.js";

/** `read`, `what` and `file` as `addCopying` takes them. */
export function CopyButtons({ read, what, file }) {
  const place = useRef();
  const current = useRef();
  current.current = read;
  useEffect(() => addCopying(place.current, () => current.current(), what, file), [what, file]);
  return <span ref={place} />;
}
