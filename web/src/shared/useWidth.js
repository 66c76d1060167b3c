import { useEffect, useState } from "preact/hooks";

/** Width in whole pixels inside the element that a reference holds, 0 before it is known. */
export function useWidth(reference) {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!reference.current) return;
    const observer = new ResizeObserver(([{ contentRect }]) =>
      setWidth(Math.floor(contentRect.width)),
    );
    observer.observe(reference.current);
    return () => observer.disconnect();
  }, []);
  return width;
}
