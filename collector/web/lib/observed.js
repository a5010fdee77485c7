// SPDX-License-Identifier: GPL-3.0-or-later
// A value that tells who listens when it changes; no part of it knows how pages are drawn (see hooks.js).

// {value, set(value), change(patch), subscribe(listener) -> unsubscribe}; change() lays fields over an object.
export function observed(first) {
    const listeners = new Set();
    const self = {
        value: first,
        set(value) {
            if (Object.is(value, self.value))
                return;
            self.value = value;
            for (const listener of [...listeners])
                listener(value);
        },
        change(patch) {
            self.set({ ...self.value, ...patch });
        },
        subscribe(listener) {
            listeners.add(listener);
            return () => listeners.delete(listener);
        },
    };
    return self;
}
