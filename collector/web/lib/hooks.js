// SPDX-License-Identifier: GPL-3.0-or-later
// What pages are drawn anew for.
import { useEffect, useReducer, useRef } from './vendor.js';

// The value of an observed() one; the component is drawn anew whenever it changes.
export function useObserved(source) {
    const [, draw] = useReducer((count) => count + 1, 0);
    const drawn = useRef(null);
    drawn.current = source.value;
    useEffect(() => {
        const end = source.subscribe(draw);
        if (source.value !== drawn.current)   // what is drawn inside may have changed it before
            draw();
        return end;
    }, [source]);
    return drawn.current;
}
