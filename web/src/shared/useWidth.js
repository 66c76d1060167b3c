import { useEffect, useState } from "preact/hooks";

/** Width in whole pixels of the element that a reference holds, 0 before it is known. */
export function useWidth(reference) {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = reference.current;
    if (!element) return;
    const measure = () => setWidth(Math.floor(element.clientWidth));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return width;
}
