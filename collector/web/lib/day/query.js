// SPDX-License-Identifier: GPL-3.0-or-later
// One query: what was said about it, and what may be said now: an answer, that it is closed, that it is open again.
import { api } from '../api.js';
import { formatInstant } from '../format.js';
import { t } from '../i18n.js';
import { link } from '../router.js';
import { session } from '../session.js';
import { Button, Field, Loading, Problem, TextArea, useData } from '../ui.js';
import { html, useState } from '../vendor.js';

const WORDS_MOST = 2000;

// What may be done with a query in this state, by this role.  A monitor closes and reopens only his own.
export function actsOn(query) {
    const acts = [];
    if (query.state === 'open' && session.can('answer_query'))
        acts.push('answer');
    const isMine = session.role !== 'monitor' || query.opened_by === session.account;
    if (query.state !== 'closed' && session.can('close_query') && isMine)
        acts.push('close');
    if (query.state !== 'open' && session.can('close_query') && isMine)
        acts.push('reopen');
    return acts;
}

// The first is the question, which stands above already.
function Events({ events }) {
    if (events.length < 2)
        return null;
    return html`<ol class="query-events">${events.slice(1).map((event) => html`<li key=${event.number}>
        <div class="quiet small">${t(`queries.${event.kind}`, { account: event.recorded_by,
                                                              time: formatInstant(event.recorded_at) })}</div>
        <p class="words">${event.text}</p></li>`)}</ol>`;
}

function Reply({ study, query, acts, onDone }) {
    const id = `reply-${query.query}`;
    const [text, setText] = useState('');
    const [state, setState] = useState({ busy: null, error: null, problem: null });
    const send = async (act) => {
        if (text.trim() === '') {
            setState({ busy: null, error: t('queries.no_words'), problem: null });
            document.getElementById(id).focus();
            return;
        }
        setState({ busy: act, error: null, problem: null });
        try {
            await api.post(api.path(study, 'queries', query.query, act), { text: text.trim() });
            onDone();
        } catch (problem) {
            setState({ busy: null, error: null, problem });
        }
    };
    return html`<form onSubmit=${(event) => { event.preventDefault(); send(acts[0]); }} novalidate>
        <${Problem} problem=${state.problem} />
        <${Field} id=${id} label=${t('queries.words')} error=${state.error}>
            <${TextArea} id=${id} value=${text} onChange=${setText} maxlength=${WORDS_MOST} /><//>
        <div class="form-buttons">${acts.map((act, i) => html`<${Button} key=${act}
            kind=${i === 0 ? 'primary' : 'secondary'} busy=${state.busy === act} type=${i === 0 ? 'submit' : 'button'}
            onClick=${i === 0 ? undefined : () => send(act)}>${t(`queries.do_${act}`)}<//>`)}</div>
    </form>`;
}

export function OpenQuery({ study, id, onChange }) {
    const { data: query, problem, reload } = useData(({ signal }) => api.get(api.path(study, 'queries', id),
        { signal, offline: true }), [id]);
    const done = () => {
        reload();
        onChange();
    };
    if (problem)
        return html`<${Problem} problem=${problem} onRetry=${reload} />`;
    if (!query)
        return html`<${Loading} />`;
    const acts = actsOn(query);
    const entered = query.version > 0;
    return html`<div class="query-body">
        <${Events} events=${query.events} />
        <p><a href=${link(study, 'subjects', query.subject, { visit: query.visit })}>${
            t('queries.to_subject', { subject: query.subject })}</a>${
            !entered && html` – <span class="quiet">${t('queries.not_entered')}</span>`}</p>
        ${acts.length > 0 && html`<${Reply} key=${query.changed_at} study=${study} query=${query} acts=${acts}
            onDone=${done} />`}
    </div>`;
}
