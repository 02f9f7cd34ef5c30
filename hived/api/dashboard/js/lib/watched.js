/* State that components watch: `useIt()` has them drawn again whenever `tell()` says that it changed. */
import { useLayoutEffect, useState } from "./html.js";

/* `begin` is called when the first one begins to watch, `end` when the last one has stopped. */
export function watched({ begin = () => {}, end = () => {} } = {}) {
  const watchers = new Set();
  const useIt = () => {
    const [, again] = useState(0);
    useLayoutEffect(() => {
      // Not after the first paint: the change may be there before it.
      const draw = () => again((n) => n + 1);
      watchers.add(draw);
      if (watchers.size === 1) begin();
      return () => {
        watchers.delete(draw);
        if (watchers.size === 0) end();
      };
    }, []);
  };
  const tell = () => {
    for (const draw of watchers) draw();
  };
  return [useIt, tell];
}
