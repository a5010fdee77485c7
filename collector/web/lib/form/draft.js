// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps what is typed: on the server, on this device while there is no network.
import { drafts } from '../drafts.js';
import { onLock } from '../session.js';
import { useLeaveGuard } from '../router.js';
import { useEffect, useRef, useState } from '../vendor.js';

const EVERY_MS = 15000;
const FIELDS = ['subject', 'knee', 'form', 'form_version', 'visit', 'instance', 'version', 'date', 'reason', 'answers',
                'not_answered', 'confirmed', 'section'];

// The entry of a stored draft, without what belongs to its keeping.
export function entryOfDraft(draft) {
    return Object.fromEntries(FIELDS.map((field) => [field, draft[field] ?? null]));
}

function draftOf({ id, study, secondOf }, entry, revision) {
    return { ...entryOfDraft(entry), id, study, second_of: secondOf ?? null, revision };
}

// key: {id, study, secondOf, revision, isOn}; entry: of now; onSaved(): after each time
// -> {state: {savedAt, where, problem, busy}, isDirty, save(), takeOver(revision), forget()}
export function useDraft(key, entry, onSaved) {
    const [state, setState] = useState({ savedAt: null, where: null, problem: null, busy: false });
    const stored = useRef({ entry, revision: key.revision ?? 0 });
    const now = useRef(entry);
    const running = useRef(Promise.resolve());
    now.current = entry;
    const isDirty = key.isOn && entry !== stored.current.entry;
    useLeaveGuard(isDirty);

    const write = async () => {
        const saving = now.current;
        if (!key.isOn || saving === stored.current.entry)
            return;
        setState((last) => ({ ...last, busy: true }));
        try {
            const draft = await drafts.save(draftOf(key, saving, stored.current.revision));
            stored.current = { entry: saving, revision: draft.revision };
            setState({ savedAt: draft.saved_at, where: draft.where, problem: null, busy: false });
            onSaved?.();
        } catch (problem) {
            setState((last) => ({ ...last, problem, busy: false }));
        }
    };
    const save = () => {
        running.current = running.current.then(write);
        return running.current;
    };
    const latestSave = useRef(save);
    latestSave.current = save;

    useEffect(() => {
        const timer = setInterval(() => latestSave.current(), EVERY_MS);
        const endLock = onLock(() => latestSave.current());
        return () => {
            clearInterval(timer);
            endLock();
        };
    }, []);

    return {
        state, isDirty, save,
        // The stored draft is another one, and this one is to take its place.
        takeOver(revision) {
            stored.current = { entry: null, revision };
            return save();
        },
        // It has been sent: nothing is to be kept any more.
        async forget() {
            await running.current;
            stored.current = { ...stored.current, entry: now.current };
            setState((last) => ({ ...last, problem: null }));
            if (key.isOn)
                await drafts.remove(key.id, key.study).catch(() => {});
        },
    };
}
