// SPDX-License-Identifier: GPL-3.0-or-later
// Queries about a record: what was asked and said, and what may be said next.
import { api } from '../api.js';
import { itemsOf } from '../form/engine.js';
import { itemLabel } from '../form/words.js';
import { formatInstant } from '../format.js';
import { t } from '../i18n.js';
import { useSession } from '../session.js';
import { Button, Empty, Problem, ReasonDialog, StateBadge, useData } from '../ui.js';
import { uuid7 } from '../uuid.js';
import { html, useState } from '../vendor.js';

const MAX = 2000;

// Which acts a query is open to, of those that the role may do: [act].
function actsOn(query, session) {
    const acts = [];
    if (query.state === 'open' && session.can('answer_query'))
        acts.push('answer');
    if (query.state !== 'closed' && session.can('close_query'))
        acts.push('close');
    if (query.state !== 'open' && session.can('close_query'))
        acts.push('reopen');
    return acts;
}

const ACT_WORDS = { answer: 'query.answer', close: 'query.close', reopen: 'query.reopen' };
const EVENT_WORDS = {
    opened: 'query.opened', answered: 'query.answered', closed: 'query.closed', reopened: 'query.reopened',
};

function Said({ study, query }) {
    const { data, problem } = useData(() => api.get(api.path(study, 'queries', query.query)), [query.changed_at]);
    if (problem)
        return html`<${Problem} problem=${problem} />`;
    return html`<ol class="query-events">${(data?.events ?? []).map((event) => html`
        <li key=${event.number}><span class="query-who">${t(EVENT_WORDS[event.kind])}, ${event.recorded_by},
            ${' '}${formatInstant(event.recorded_at)}</span><p>${event.text}</p></li>`)}</ol>`;
}

function QueryBox({ study, form, query, onDone }) {
    const session = useSession();
    const [act, setAct] = useState(null);
    const acts = actsOn(query, session);
    const item = itemsOf(form).find((one) => one.id === query.item);
    const send = async (text) => {
        await api.post(api.path(study, 'queries', query.query, act), { text });
        setAct(null);
        onDone();
    };
    return html`
        <section class="query">
            <h3>${item ? itemLabel(item) : t('query.whole')} <${StateBadge} state=${query.state} /></h3>
            <${Said} study=${study} query=${query} />
            ${acts.length > 0 && html`<div class="form-buttons">${acts.map((one) => html`
                <${Button} key=${one} kind="secondary" small onClick=${() => setAct(one)}>${
                    t(ACT_WORDS[one])}<//>`)}</div>`}
            ${act && html`<${ReasonDialog} title=${t(ACT_WORDS[act])} label=${t('query.text')} min=${1} max=${MAX}
                submit=${t(ACT_WORDS[act])} onSubmit=${send} onClose=${() => setAct(null)} />`}
        </section>`;
}

export function Queries({ study, form, queries, onDone }) {
    if (queries.length === 0)
        return html`<${Empty}>${t('query.none')}<//>`;
    return queries.map((query) => html`
        <${QueryBox} key=${query.query} study=${study} form=${form} query=${query} onDone=${onDone} />`);
}

// item: of the form, or null for the record as a whole
export function AskDialog({ study, record, item, onDone, onClose }) {
    const [query] = useState(uuid7);
    const { subject, form, knee, visit, instance } = record;
    const send = async (text) => {
        await api.post(api.path(study, 'queries'),
            { query, subject, form, knee, visit, instance, text, ...(item ? { item: item.id } : {}) });
        onDone();
    };
    return html`<${ReasonDialog} title=${item ? t('query.about', { item: itemLabel(item) }) : t('query.about_whole')}
        label=${t('query.text')} min=${1} max=${MAX} submit=${t('query.open')} onSubmit=${send} onClose=${onClose} />`;
}
