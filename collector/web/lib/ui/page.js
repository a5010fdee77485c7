// SPDX-License-Identifier: GPL-3.0-or-later
import { t } from '../i18n.js';
import { html, useEffect, useRef } from '../vendor.js';

let pages = 0;

// A page under its heading.  The heading takes the focus when somebody has come from another page, so that a screen
// reader begins there.  `error`: what is wrong with what was entered; the window's title says so.
export function Page({ title, actions, error, children }) {
    const heading = useRef(null);
    useEffect(() => {
        if (pages++ > 0) {
            window.scrollTo(0, 0);
            heading.current.focus({ preventScroll: true });
        }
    }, []);
    useEffect(() => {
        document.title = `${error ? t('ui.error_prefix') + ' ' : ''}${title} – Patella`;
    }, [title, Boolean(error)]);
    return html`
        <div class="page-head">
            <h1 tabindex="-1" ref=${heading}>${title}</h1>
            ${actions && html`<div class="page-actions">${actions}</div>`}
        </div>
        ${children}`;
}

function focusField(event, id) {
    event.preventDefault();
    const target = document.getElementById(id);
    const field = target?.matches('input, select, textarea, button, a') ? target
        : target?.querySelector('input, select, textarea, button') ?? target;
    field?.focus();
}

// "There is a problem": takes the focus whenever other problems come.
// problems  [{id, text}]: id of the field that the text is about, or null
export function ErrorSummary({ problems }) {
    const box = useRef(null);
    const key = JSON.stringify(problems);
    useEffect(() => {
        if (problems.length > 0)
            box.current.focus();
    }, [key]);
    if (problems.length === 0)
        return null;
    return html`
        <div class="alert alert-danger error-summary" tabindex="-1" ref=${box} role="group"
             aria-labelledby="error-summary-title">
            <h2 id="error-summary-title">${t('ui.problem')}</h2>
            <ul>${problems.map(({ id, text }) => html`
                <li>${id ? html`<a href=${`#${id}`} onClick=${(event) => focusField(event, id)}>${text}</a>` : text}
                </li>`)}</ul>
        </div>`;
}
