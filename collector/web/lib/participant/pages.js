// SPDX-License-Identifier: GPL-3.0-or-later
// What the subject sees: a start, one question a page, a review, thanks, and what is said when the link is dead.
import { answerIn } from '../form/engine.js';
import { ItemField } from '../form/widgets.js';
import { answerText, itemLabel, problemText } from '../form/words.js';
import { formatInstant } from '../format.js';
import { t } from '../i18n.js';
import { Alert, Button, ErrorSummary } from '../ui.js';
import { html, useEffect, useRef } from '../vendor.js';

// The heading takes the focus, so that whoever listens hears where he is.
export function Screen({ title, problems = [], children }) {
    const heading = useRef(null);
    useEffect(() => {
        document.title = problems.length > 0 ? `${t('ui.error_prefix')} ${title}` : title;
        if (problems.length === 0)
            heading.current?.focus();
    }, [title, problems.length]);
    return html`
        ${problems.length > 0 && html`<${ErrorSummary} problems=${problems} />`}
        <h1 tabindex="-1" ref=${heading}>${title}</h1>
        ${children}`;
}

// Links that open nothing: what is so, and what to do.
export function DeadLink({ problem }) {
    const known = { 401: 'over', 410: 'sent', 423: 'closed', 409: 'answered', 0: 'offline' };
    const key = known[problem.status] ?? 'failed';
    return html`<${Screen} title=${t(`participant.${key}`)}><p>${t(`participant.${key}_text`)}</p><//>`;
}

export function Start({ link, isBegun, onStart }) {
    return html`
        <${Screen} title=${link.form.title}>
            <p>${link.study_title}, ${link.visit_title}</p>
            ${link.knee !== 'none' && html`<p><strong>${t(`participant.knee_${link.knee}`)}</strong></p>`}
            <p>${t('participant.start_text')}</p>
            <p>${t('participant.until', { until: formatInstant(link.expires_at) })}</p>
            <${Button} onClick=${onStart}>${t(isBegun ? 'participant.go_on' : 'participant.start')}<//>
        <//>`;
}

// That the last answers are not kept, or that others have come in their place.
function Keeping({ state }) {
    const said = { failed: 'participant.not_kept', replaced: 'participant.replaced' }[state];
    return said && html`<${Alert} kind="warning">${t(said)}<//>`;
}

export function Question({ item, place, total, section, knee, entry, error, saving, actions }) {
    const problems = error ? [{ id: `item-${item.id}`, text: error }] : [];
    return html`
        <${Screen} title=${t('participant.question', { place, total })} problems=${problems}>
            <p class="text-secondary">${section}${knee !== 'none' && ` (${t(`participant.knee_${knee}`)})`}</p>
            <form noValidate onSubmit=${(event) => { event.preventDefault(); actions.next(); }}>
                <${ItemField} key=${item.id} item=${item} entry=${entry} error=${error} onAnswer=${actions.answer}
                    onDecline=${actions.decline} />
                <div class="participant-steps">
                    <${Button} type="submit">${t('participant.next')}<//>
                    <${Button} kind="secondary" onClick=${actions.back}>${t('participant.back')}<//>
                </div>
            </form>
            <${Keeping} state=${saving} />
        <//>`;
}

// Soft findings are stood by in the subject's own words.
function Finding({ finding, index, reason, onReason }) {
    const id = `finding-${index}`;
    return html`
        <div class="mb-3">
            <label class="form-label" for=${id}>${problemText(finding)} ${t('participant.why')}</label>
            <input id=${id} class="form-control" type="text" maxlength="200" value=${reason}
                onInput=${(event) => onReason(event.currentTarget.value)} />
        </div>`;
}

export function Review({ items, content, problems, findings, reasonOf, busy, saving, actions }) {
    return html`
        <${Screen} title=${t('participant.review')} problems=${problems}>
            <${Keeping} state=${saving} />
            <p>${t('participant.review_text')}</p>
            <dl class="participant-review">${items.map((item, place) => html`
                <div key=${item.id}>
                    <dt>${itemLabel(item)}</dt>
                    <dd>
                        <span>${answerText(item, answerIn(content, item.id)) || t('participant.no_answer')}</span>
                        <button type="button" id=${`change-${item.id}`} class="btn btn-link"
                            aria-label=${t('participant.change_of', { item: itemLabel(item) })}
                            onClick=${() => actions.change(place)}>${t('participant.change')}</button>
                    </dd>
                </div>`)}</dl>
            ${findings.map((finding, index) => html`<${Finding} key=${index} finding=${finding} index=${index}
                reason=${reasonOf(finding)} onReason=${(text) => actions.confirm(finding, text)} />`)}
            <div class="participant-steps">
                <${Button} busy=${busy} onClick=${actions.send}>${t('participant.send')}<//>
                <${Button} kind="secondary" onClick=${actions.back}>${t('participant.back')}<//>
            </div>
        <//>`;
}

export function Thanks() {
    return html`<${Screen} title=${t('participant.thanks')}><p>${t('participant.thanks_text')}</p><//>`;
}
