// SPDX-License-Identifier: GPL-3.0-or-later
import { useCallback, useEffect, useState } from '../vendor.js';

const NOTHING = { data: null, problem: null, loading: true };

// Loads when a page is opened and whenever `deps` change; what was asked for before is given up.
// loader  async ({signal}) => data
// -> {data, problem, loading, reload}: data stays while it is loaded anew
export function useData(loader, deps = []) {
    const [state, setState] = useState(NOTHING);
    const [round, setRound] = useState(0);
    useEffect(() => {
        const stop = new AbortController();
        setState((last) => ({ ...last, loading: true }));
        loader({ signal: stop.signal }).then(
            (data) => stop.signal.aborted || setState({ data, problem: null, loading: false }),
            (problem) => stop.signal.aborted || setState({ data: null, problem, loading: false }));
        return () => stop.abort();
    }, [...deps, round]);
    const reload = useCallback(() => setRound((count) => count + 1), []);
    return { ...state, reload };
}
