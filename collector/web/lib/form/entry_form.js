// SPDX-License-Identifier: GPL-3.0-or-later
// A form from its definition to what is sent: filling in, checking, confirming what is unusual, sending.
import { ApiProblem } from '../api.js';
import { formatTime } from '../format.js';
import { t } from '../i18n.js';
import { Alert, Button, DateInput, Field, Problem, TextArea } from '../ui.js';
import { html, useEffect, useMemo, useState } from '../vendor.js';
import { isReason } from './answer.js';
import { useDraft } from './draft.js';
import { confirmFinding, declineItem, itemsOf, setAnswer, submissionOf, viewOf } from './engine.js';
import { EntryErrors } from './errors.js';
import { FormFiller, isLong } from './filler.js';
import { SoftStep } from './soft_step.js';
import { itemLabel, problemText } from './words.js';

const ADVANCE = 'patella.advance';
const FIELD_IDS = { subject: 'form-subject', reason: 'form-reason', date: 'form-date' };

// What is wrong beside the answers, found here.
function ownProblems(entry) {
    if (entry.version === 1 || isReason(entry.reason))
        return [];
    return [{ item: 'reason', rule: 'required', soft: false, key: 'reason', values: {}, text: null }];
}

// The lines of the error summary.  `go(section id)` brings the section of an item onto the page.
function summaryOf(form, problems, go) {
    const sectionOf = new Map(form.sections.flatMap((one) => one.items.map((item) => [item.id, one.id])));
    const items = new Map(itemsOf(form).map((item) => [item.id, item]));
    const order = [...Object.keys(FIELD_IDS), ...items.keys()];
    const place = (problem) => (problem.item === null ? order.length : order.indexOf(problem.item));
    return [...problems].sort((a, b) => place(a) - place(b)).map((problem) => {
        const item = items.get(problem.item);
        const id = item ? `item-${item.id}` : FIELD_IDS[problem.item] ?? null;
        const show = item ? () => go(sectionOf.get(item.id)) : undefined;
        return { id, label: item ? itemLabel(item) : '', text: problemText(problem), show };
    });
}

function errorsByField(problems) {
    const errors = new Map();
    for (const problem of problems)
        if (problem.item !== null && !errors.has(problem.item))
            errors.set(problem.item, problemText(problem));
    return errors;
}

// Whether the answers that a problem of the server is about are still those that it has seen.
function isStill(problem, sent, entry) {
    if (problem.item in FIELD_IDS)
        return sent[problem.item] === entry[problem.item];
    return problem.item === null || (sent.answers[problem.item] === entry.answers[problem.item]
        && sent.not_answered[problem.item] === entry.not_answered[problem.item]);
}

function SavedLine({ draft }) {
    const { savedAt, where, busy } = draft.state;
    const words = { server: 'form.saved', device: 'form.saved_here' }[where];
    if (busy)
        return html`<span class="saved-line">${t('form.saving')}</span>`;
    if (draft.isDirty || !savedAt)
        return html`<span class="saved-line">${draft.isDirty ? t('form.not_saved') : ''}</span>`;
    return html`<span class="saved-line">${t(words, { time: formatTime(savedAt) })}</span>`;
}

// The draft could not be saved: because another browser has changed it, or for what the server says.
function DraftProblem({ draft, onLoadOther }) {
    const { problem } = draft.state;
    if (problem?.code !== 'draft_changed')
        return html`<${Problem} problem=${problem} onRetry=${problem ? draft.save : undefined} />`;
    const other = problem.body.draft;
    return html`
        <${Alert} kind="warning" title=${t('form.draft_changed')}>
            <p>${other ? t('form.draft_changed_text', { time: formatTime(other.saved_at) })
                : t('form.draft_gone_text')}</p>
            <div class="form-buttons">
                <${Button} kind="secondary" onClick=${() => draft.takeOver(other?.revision ?? 0)}>${
                    t('form.draft_keep')}<//>
                ${other && html`<${Button} kind="secondary" onClick=${() => onLoadOther(other)}>${
                    t('form.draft_load')}<//>`}
            </div>
        <//>`;
}

function FormHead({ entry, errors, onChange, fixedDate }) {
    return html`
        ${entry.version > 1 && html`
            <${Field} id="form-reason" label=${t('form.reason_for_change')} hint=${t('form.reason_hint')}
                error=${errors.get('reason')}>
                <${TextArea} id="form-reason" rows="2" value=${entry.reason}
                    onChange=${(reason) => onChange({ reason })} /><//>`}
        ${!fixedDate && html`
            <${Field} id="form-date" group label=${t('form.date')} hint=${t('form.date_hint')}
                error=${errors.get('date')}>
                <${DateInput} id="form-date" value=${entry.date ?? ''}
                    onChange=${(date) => onChange({ date: date === '' ? null : date })} />
            <//>`}`;
}

function AdvanceBox({ value, onChange }) {
    return html`
        <div class="form-check advance-box">
            <input type="checkbox" class="form-check-input" id="form-advance" checked=${value}
                aria-describedby="form-advance-keys"
                onChange=${(event) => onChange(event.currentTarget.checked)} />
            <label class="form-check-label" for="form-advance">${t('form.advance')}</label>
            <div class="form-text" id="form-advance-keys">${t('form.keys')}</div>
        </div>`;
}

function hasGrid(form) {
    return itemsOf(form).some((item) => item.type === 'choice' && typeof item.choices[0].code === 'number');
}

// What is typed, judged as it stands; `server`: {problems, sent} of the last refusal.
function judge(form, entry, today, server) {
    const view = viewOf(form, entry, today);
    const refused = server === null ? []
        : server.problems.filter((problem) => isStill(problem, server.sent, entry));
    const known = new Set([...view.hard, ...view.soft].map((problem) => `${problem.item} ${problem.rule}`));
    const news = refused.filter((problem) => !known.has(`${problem.item} ${problem.rule}`));
    return {
        view,
        hard: [...ownProblems(entry), ...view.hard, ...news.filter((problem) => !problem.soft)],
        soft: [...view.soft, ...news.filter((problem) => problem.soft)],
        serverSoft: refused.filter((problem) => problem.soft),
    };
}

// Sends what viewOf finds nothing wrong with; what the server refuses is kept beside what it was said about.
function useSending({ form, today, id, send, onDone }, entry, draft) {
    const [state, setState] = useState({ busy: false, problem: null, server: null });
    const deliver = async (serverSoft) => {
        const body = submissionOf(form, entry, today, id, serverSoft);
        setState({ busy: true, problem: null, server: null });
        try {
            const result = await send(body, entry);
            await draft.forget();
            onDone(result, body);
            return null;
        } catch (problem) {
            const isJudged = problem instanceof ApiProblem && problem.status === 422 && problem.problems.length > 0;
            setState({ busy: false, problem: isJudged ? null : problem,
                       server: isJudged ? { problems: problem.problems, sent: entry } : null });
            return problem;
        }
    };
    return { ...state, deliver };
}

function useAdvance() {
    const [advance, setAdvance] = useState(() => localStorage.getItem(ADVANCE) === 'true');
    return [advance, (value) => {
        localStorage.setItem(ADVANCE, value);
        setAdvance(value);
    }];
}

function FillStep({ form, entry, setEntry, view, errors, section, setSection, draft, head, fixedDate, buttons }) {
    const [advance, setAdvance] = useAdvance();
    const goTo = (next) => {
        setSection(next);
        setEntry((last) => ({ ...last, section: next }));
        setTimeout(draft.save);
    };
    return html`
        ${head?.(entry, setEntry, errors)}
        <${FormHead} entry=${entry} errors=${errors} fixedDate=${fixedDate}
            onChange=${(change) => setEntry((last) => ({ ...last, ...change }))} />
        ${hasGrid(form) && html`<${AdvanceBox} value=${advance} onChange=${setAdvance} />`}
        <${FormFiller} form=${form} view=${view} entry=${entry} errors=${errors} section=${section} advance=${advance}
            onSection=${goTo} onAnswer=${(item, value) => setEntry((last) => setAnswer(form, last, item, value))}
            onDecline=${(item, reason) => setEntry((last) => declineItem(form, last, item, reason))} />
        <div class="form-buttons">${buttons}</div>`;
}

function sectionWithProblem(form, view, hard) {
    if (!isLong(form) || hard.some((problem) => problem.item in FIELD_IDS))
        return null;
    return view.sections.find((one) => one.items.some((item) => hard.some((problem) => problem.item === item.id)));
}

// form, first, today  the definition, the entry to begin with, the date at the site
// id, study, secondOf, revision   of the submission and of its draft
// keepsDrafts  false: nothing is kept between (enrolment)
// send         async (body, entry) => result; what it throws is shown, problems of 422 beside their fields
// onDone       (result, body); onSaved: after a draft was saved
// onProblems   (whether there are any on the page), for its title
// banner       (view) => what stays in sight; head: (entry, setEntry, errors) => a page's own fields
// more         (entry) => problems with those fields; refusal: (problem) => a page's own words for a refusal
export function EntryForm(props) {
    const { form, first, today, id, study, revision, secondOf, keepsDrafts = true, banner, refusal, more } = props;
    const [entry, setEntry] = useState(first);
    const [section, setSection] = useState(first.section ?? form.sections[0].id);
    const [round, setRound] = useState(0);
    const [step, setStep] = useState('fill');
    const draft = useDraft({ id, study, secondOf, revision, isOn: keepsDrafts }, entry, props.onSaved);
    const sending = useSending(props, entry, draft);
    const judged = useMemo(() => judge(form, entry, today, sending.server), [form, entry, today, sending.server]);
    const { view, soft } = judged;
    const hard = [...judged.hard, ...(more?.(entry) ?? [])];
    const shown = round > 0 ? hard : [];
    useEffect(() => props.onProblems?.(shown.length > 0), [shown.length > 0]);
    const showProblems = () => {
        setStep('fill');
        setSection(sectionWithProblem(form, view, hard)?.id ?? section);
        setRound((count) => count + 1);
    };
    const deliver = async () => {
        const problem = await sending.deliver(judged.serverSoft);
        if (problem !== null) {
            const isSoft = problem.problems?.length > 0 && problem.problems.every((one) => one.soft);
            setStep(isSoft ? 'soft' : 'fill');
            setRound((count) => count + 1);
        }
    };
    const check = () => {
        if (hard.length > 0)
            showProblems();
        else if (soft.length > 0)
            setStep('soft');
        else
            deliver();
    };
    const buttons = html`
        <${Button} busy=${sending.busy} onClick=${check}>${props.submitLabel ?? t('form.check_and_send')}<//>
        ${keepsDrafts && html`
            <${Button} kind="secondary" onClick=${draft.save}>${t('form.save_draft')}<//>
            <${SavedLine} draft=${draft} />
            <div class="draft-problem"><${DraftProblem} draft=${draft} onLoadOther=${props.onLoadOther} /></div>`}`;
    return html`
        ${banner?.(view)}
        <div class="entry-form">
            ${sending.problem && (refusal?.(sending.problem) ?? html`<${Problem} problem=${sending.problem} />`)}
            ${step === 'soft' ? html`
                <${SoftStep} form=${form} entry=${entry} findings=${soft} busy=${sending.busy} onSend=${deliver}
                    onReason=${(finding, reason) => setEntry((last) => confirmFinding(last, finding, reason))}
                    onBack=${() => setStep('fill')} />` : html`
                <${EntryErrors} round=${round} problems=${summaryOf(form, shown, setSection)} />
                <${FillStep} form=${form} entry=${entry} setEntry=${setEntry} view=${view}
                    errors=${errorsByField(shown)} section=${section} setSection=${setSection}
                    draft=${draft} head=${props.head} fixedDate=${props.fixedDate} buttons=${buttons} />`}
        </div>`;
}
