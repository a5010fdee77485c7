// SPDX-License-Identifier: GPL-3.0-or-later
import { Offline } from '../api.js';
import { hasText, t } from '../i18n.js';
import { html } from '../vendor.js';

const KINDS = {
    primary: 'btn-primary', secondary: 'btn-outline-secondary', danger: 'btn-danger', link: 'btn-link',
};

// kind: primary, secondary, danger, link.  While busy it stays where it is and does nothing.
export function Button({ kind = 'primary', busy = false, type = 'button', onClick, small, class: more = '', children,
                         ...rest }) {
    const click = (event) => {
        if (busy)
            event.preventDefault();
        else
            onClick?.(event);
    };
    return html`
        <button type=${type} class=${`btn ${KINDS[kind]} ${small ? 'btn-sm' : ''} ${more}`} onClick=${click}
                aria-disabled=${busy ? 'true' : undefined} ...${rest}>
            ${children}${busy && html`<span class="busy" aria-hidden="true"> …</span>`}
        </button>`;
}

// kind: info, success, warning, danger.  Those that come while the page stands are read out.
export function Alert({ kind = 'info', title, children }) {
    return html`
        <div class=${`alert alert-${kind}`} role=${kind === 'danger' ? 'alert' : 'status'}>
            ${title && html`<p class="alert-title">${title}</p>`}
            ${children}
        </div>`;
}

// Shows itself only when it takes longer than a moment (app.css).
export function Loading({ children }) {
    return html`<p class="loading" role="status">${children ?? t('ui.loading')}</p>`;
}

export function Empty({ children }) {
    return html`<p class="empty">${children}</p>`;
}

// What a state looks like beside its word: a shape that is told apart without colour.
const STATES = {
    not_due: ['○', 'quiet'], due: ['◆', 'warning'], closing: ['◈', 'warning'], partial: ['◐', 'info'],
    done: ['✓', 'success'], overdue: ['▲', 'danger'], missed: ['✕', 'danger'], not_expected: ['–', 'quiet'],
    withdrawn: ['⊘', 'quiet'], completed: ['✓', 'success'], screened: ['○', 'quiet'], active: ['●', 'info'],
    died: ['✝', 'quiet'], locked: ['▣', 'quiet'], draft: ['✎', 'info'], open: ['○', 'warning'],
    answered: ['◐', 'info'], closed: ['✓', 'success'], refused: ['✕', 'danger'], signed: ['✓', 'success'],
    verified: ['✓', 'success'], void: ['⊘', 'quiet'], waiting: ['◷', 'warning'], conflict: ['▲', 'danger'],
};

// A state as shape, word and colour.  `label` instead of the word of messages ("state.STATE"); `kind` and `shape` for
// states that are none of the table's.
export function StateBadge({ state, label, kind, shape }) {
    const [ownShape, ownKind] = STATES[state] ?? ['●', 'quiet'];
    const word = label ?? (hasText(`state.${state}`) ? t(`state.${state}`) : state);
    return html`<span class=${`state state-${kind ?? ownKind}`}><span class="state-shape" aria-hidden="true"
        >${shape ?? ownShape}</span> ${word}</span>`;
}

function problemTitle(problem) {
    if (problem.status === 403)
        return t('problem.not_allowed');
    if (problem.status === 404)
        return t('problem.not_found');
    if (problem.status === 409 || problem.status === 423)
        return t('problem.conflict');
    return problem.status >= 500 || problem.status === undefined ? t('problem.server') : t('problem.refused');
}

function ProblemFindings({ problems }) {
    return html`<ul lang="en">${problems.map((finding) => html`
        <li>${finding.item && html`<code>${finding.item}</code>`} ${finding.text}</li>`)}</ul>`;
}

// What a request was refused for, in the server's words, and what can be done.  Nothing for no problem.
export function Problem({ problem, onRetry }) {
    if (!problem)
        return null;
    const retry = onRetry && html`<${Button} kind="secondary" small onClick=${onRetry}>${t('problem.retry')}<//>`;
    if (problem instanceof Offline)
        return html`<${Alert} kind="warning" title=${t('problem.offline')}>
            <p>${t('problem.offline_do')}</p>${retry}<//>`;
    const isOurs = problem.status === undefined;
    return html`
        <${Alert} kind="danger" title=${problemTitle(problem)}>
            <p lang="en">${isOurs ? problem.message : problem.detail || problem.title}</p>
            ${problem.problems?.length > 0 && html`<${ProblemFindings} problems=${problem.problems} />`}
            ${problem.retryAfter && html`<p>${t('problem.wait', { n: problem.retryAfter })}</p>`}
            ${retry}
            ${problem.requestId && html`<p class="small">${t('problem.request', { id: problem.requestId })}</p>`}
        <//>`;
}
