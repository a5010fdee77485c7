// SPDX-License-Identifier: GPL-3.0-or-later
// What a second entry says, and the version of the record that holds what was settled.
import { itemsOf, newEntry } from '../form/engine.js';

const DECLINED = 'not answered: ';

// A text of a second entry as an answer: {value}, {declined: reason}, or null where nothing was entered.
export function enteredAnswer(text) {
    if (text === null)
        return null;
    return text.startsWith(DECLINED) ? { declined: text.slice(DECLINED.length) } : { value: text };
}

function take(entry, id, answer) {
    delete entry.answers[id];
    delete entry.not_answered[id];
    if (answer?.declined)
        entry.not_answered[id] = answer.declined;
    else if (answer)
        entry.answers[id] = answer.value;
}

// What was typed instead of both.
function otherAnswer(id, { value = '', declined = null }) {
    if (declined !== null)
        return { declined };
    return value === '' ? null : { value };
}

// first: the submission that was entered first; items: of the second entry; reason: for the change
// decisions: {item: {choice: 'first' | 'second' | 'neither', value, declined, reason}}
export function settledEntry(form, first, items, decisions, reason) {
    const { content } = first;
    const entry = {
        ...newEntry(form, first, first.date), version: first.version + 1, form_version: first.form_version,
        answers: { ...content.answers }, not_answered: { ...content.not_answered },
        confirmed: [...(content.confirmed ?? [])],
    };
    for (const { item, second } of items) {
        const decision = decisions[item];
        if (decision.choice === 'first')
            continue;
        const answer = decision.choice === 'second' ? enteredAnswer(second) : otherAnswer(item, decision);
        if (item === 'date')
            entry.date = answer?.value ?? null;
        else
            take(entry, item, answer);
    }
    const why = items.filter(({ item }) => decisions[item].choice === 'neither')
        .map(({ item }) => `${item}: ${decisions[item].reason}`);
    return { ...entry, reason: [reason, ...why].join('; ').slice(0, 1000) };
}

export function findItem(form, id) {
    return itemsOf(form).find((item) => item.id === id);
}
