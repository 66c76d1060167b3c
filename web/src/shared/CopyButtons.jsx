// The buttons that copy a table, of any table that is drawn with Preact.

import { useEffect, useRef } from "preact/hooks";
import { addCopying } from "./copying.js";

/** `read` and `what` as `addCopying` takes them. */
export function CopyButtons({ read, what }) {
  const place = useRef();
  const current = useRef();
  current.current = read;
  useEffect(() => addCopying(place.current, () => current.current(), what), [what]);
  return <span ref={place} />;
}
