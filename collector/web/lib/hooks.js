// SPDX-License-Identifier: GPL-3.0-or-later
// What pages are drawn anew for.
import { useEffect, useReducer } from './vendor.js';

// The value of an observed() one; the component is drawn anew whenever it changes.
export function useObserved(source) {
    const [, draw] = useReducer((count) => count + 1, 0);
    useEffect(() => {
        const seen = source.value;
        const end = source.subscribe(draw);
        if (source.value !== seen)
            draw();
        return end;
    }, [source]);
    return source.value;
}
