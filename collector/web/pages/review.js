// SPDX-License-Identifier: GPL-3.0-or-later
// Review of the audit trail: choose what is asked, look at what was found, say what is concluded; and who did so
// before.  Asking is itself recorded, so nothing is asked before somebody presses the button.
import { api } from '../lib/api.js';
import { AuditPlaces } from '../lib/admin/audit_places.js';
import { ReviewFindings } from '../lib/admin/review_findings.js';
import { ReviewForm } from '../lib/admin/review_form.js';
import { loadStudy } from '../lib/form/place.js';
import { formatDate, formatInstant } from '../lib/format.js';
import { t } from '../lib/i18n.js';
import { session } from '../lib/session.js';
import { Alert, Button, DataTable, Loading, Page, Problem, ReasonDialog, useData } from '../lib/ui.js';
import { html, useState } from '../lib/vendor.js';

const MOST_LETTERS = 4000;
const NUMBERS = ['days', 'changes', 'minutes', 'opens', 'closes'];

async function load(study, signal) {
    const [info, { reviews }] = await Promise.all([
        loadStudy(study), api.get(api.path(study, 'audit', 'reviews'), { signal }),
    ]);
    return { info, reviews };
}

// A bound in time: a day of UTC, as this page asks for it, or any instant, as other programs may.
function boundWords(bound) {
    return /T00:00:00(Z|[+]00:00)$/.test(bound) ? formatDate(bound.slice(0, 10)) : formatInstant(bound);
}

// The bounds and numbers of a review that was made.
function boundsOf(filter) {
    const numbers = NUMBERS.filter((name) => name in filter).map((name) => [name, filter[name]]);
    const days = ['from', 'to'].filter((name) => filter[name]).map((name) => [name, boundWords(filter[name])]);
    return [...numbers, ...days].map(([name, value]) => `${t(`review.${name}`)}: ${value}`);
}

function Conclusion({ one, onConclude }) {
    if (one.conclusion !== null)
        return html`<div><span class="words">${one.conclusion}</span>
            <div class="quiet small">${formatInstant(one.concluded_at)}</div></div>`;
    if (one.made_by !== session.account)
        return html`<span class="quiet">${t('review.not_concluded')}</span>`;
    return html`<${Button} small kind="secondary" onClick=${() => onConclude(one.review)}>${t('review.conclude')}<span
        class="visually-hidden"> ${t(`review.kind_${one.filter.kind}`)}, ${formatInstant(one.made_at)}</span><//>`;
}

function Reviews({ reviews, onConclude }) {
    const columns = [
        { key: 'made_at', title: t('audit.at'), render: (one) => html`<span class="no-wrap">${
            formatInstant(one.made_at)}</span>` },
        { key: 'made_by', title: t('review.by') },
        { key: 'filter', title: t('review.kind'), render: ({ filter }) => html`<div>${t(`review.kind_${filter.kind}`)}
            ${boundsOf(filter).map((words) => html`<div class="quiet small" key=${words}>${words}</div>`)}</div>` },
        { key: 'conclusion', title: t('review.conclusion'), render: (one) => html`<${Conclusion} one=${one}
            onConclude=${onConclude} />` },
    ];
    return html`<section class="page-section" aria-labelledby="reviews-title">
        <h2 id="reviews-title">${t('review.list')}</h2>
        <${DataTable} caption=${t('review.list')} hideCaption class="review-table whole-words" rows=${reviews}
            rowKey="review" columns=${columns} empty=${t('review.none')} /></section>`;
}

// What is asked now: {review, concluded, busy, problem}, ask(query), conclude(review, text).
function useReview(study, onChange) {
    const [state, setState] = useState({ review: null, concluded: false, busy: false, problem: null });
    const ask = async (query) => {
        setState({ review: null, concluded: false, busy: true, problem: null });
        try {
            const review = await api.get(api.path(study, 'audit', 'review'), { query, timeout: 300000 });
            setState({ review, concluded: false, busy: false, problem: null });
            onChange();
        } catch (problem) {
            setState({ review: null, concluded: false, busy: false, problem });
        }
    };
    const conclude = async (id, conclusion) => {
        await api.post(api.path(study, 'audit', 'reviews', id), { conclusion });
        setState((last) => ({ ...last, concluded: last.concluded || last.review?.review === id }));
        onChange();
    };
    return { ...state, ask, conclude };
}

function Found({ now, place, onConclude }) {
    const { review, concluded } = now;
    return html`<section class="page-section" aria-labelledby="findings-title">
        <h2 id="findings-title">${t('review.findings', { kind: t(`review.kind_${review.kind}`) })}</h2>
        <${ReviewFindings} review=${review} place=${place} />
        ${concluded ? html`<${Alert} kind="success"><p>${t('review.is_concluded')}</p><//>`
            : html`<p><${Button} onClick=${() => onConclude(review.review)}>${t('review.conclude')}<//></p>`}
    </section>`;
}

export default function ReviewPage({ route }) {
    const { study } = route;
    const { data, problem, reload } = useData(({ signal }) => load(study, signal), [study]);
    const now = useReview(study, reload);
    const [concluding, setConcluding] = useState(null);
    const conclude = async (text) => {
        await now.conclude(concluding, text);
        setConcluding(null);
    };
    return html`<${Page} title=${t('review.title')}>
        <${AuditPlaces} study=${study} here="review" />
        <p class="measure quiet">${t('review.text')}</p>
        <${ReviewForm} busy=${now.busy} onAsk=${now.ask} />
        <div class="page-section"><${Problem} problem=${now.problem ?? problem} /></div>
        ${now.busy && html`<${Loading} />`}
        ${now.review && data && html`<${Found} now=${now} place=${{ study, info: data.info }}
            onConclude=${setConcluding} />`}
        ${data && html`<${Reviews} reviews=${data.reviews} onConclude=${setConcluding} />`}
        ${concluding && html`<${ReasonDialog} title=${t('review.conclude_title')} label=${t('review.conclusion')}
            hint=${t('review.conclusion_hint')} submit=${t('review.conclude')} max=${MOST_LETTERS}
            onSubmit=${conclude} onClose=${() => setConcluding(null)} />`}
    <//>`;
}
