// SPDX-License-Identifier: GPL-3.0-or-later
import { t } from '../i18n.js';
import { html, useEffect, useRef } from '../vendor.js';

function focusField(id) {
    const target = document.getElementById(id);
    const field = target?.matches('input, select, textarea') ? target
        : target?.querySelector('input:checked, input, select, textarea') ?? target;
    field?.focus();
}

// "There is a problem": one line for each, with the words that stand beside the field.  Takes the focus at each round.
// problems  [{id, label, text, show()}]: id of the field or null; show() brings its section onto the page
export function EntryErrors({ problems, round }) {
    const box = useRef(null);
    useEffect(() => {
        if (round > 0)
            box.current?.focus();
    }, [round]);
    if (problems.length === 0)
        return null;
    const pick = (problem) => (event) => {
        event.preventDefault();
        problem.show?.();
        requestAnimationFrame(() => focusField(problem.id));
    };
    return html`
        <div class="alert alert-danger error-summary" tabindex="-1" ref=${box} role="group"
             aria-labelledby="entry-errors-title">
            <h2 id="entry-errors-title">${t('ui.problem')}</h2>
            <ul>${problems.map((problem, i) => html`
                <li key=${i}>${problem.label && html`<span class="error-label">${problem.label}: </span>`}${
                    problem.id ? html`<a href=${`#${problem.id}`} onClick=${pick(problem)}>${problem.text}</a>`
                        : problem.text}</li>`)}</ul>
        </div>`;
}
