// SPDX-License-Identifier: GPL-3.0-or-later
// Double entry: a second person enters the same paper without seeing the first entry, then every difference is settled.
//   second-entry/NEW?of=ID   blind entry of the record of that submission
//   second-entry/ENTRY       what differs, side by side, and how it was settled
import { api } from '../lib/api.js';
import { drafts } from '../lib/drafts.js';
import { entryOfDraft } from '../lib/form/draft.js';
import { EntryErrors } from '../lib/form/errors.js';
import { confirmFinding, newEntry, submissionOf, viewOf } from '../lib/form/engine.js';
import { EntryForm } from '../lib/form/entry_form.js';
import { loadForm, loadStudy, loadSubmission, siteOf, todayAt, visitTitle } from '../lib/form/place.js';
import { formatInstant } from '../lib/format.js';
import { t } from '../lib/i18n.js';
import { SoftStep } from '../lib/form/soft_step.js';
import { settledEntry } from '../lib/record/settle.js';
import { SettleTable, findMissing } from '../lib/record/settle_table.js';
import { link, navigate } from '../lib/router.js';
import { useSession } from '../lib/session.js';
import { Alert, Button, Loading, Page, Problem, SubjectBanner, useData } from '../lib/ui.js';
import { uuid7 } from '../lib/uuid.js';
import { html, useState } from '../lib/vendor.js';

// Only whose record it is is kept of the first entry: its answers must not be seen.
async function openBlind(study, { of, draft: draftId }) {
    const info = await loadStudy(study);
    const { subject, knee, form: formId, form_version: version, visit, instance } = await loadSubmission(study, of);
    const form = await loadForm(study, formId, version);
    const draft = draftId ? await drafts.load(draftId, study) : null;
    const entry = draft ? entryOfDraft(draft) : newEntry(form, { subject, knee, visit, instance }, null);
    return { info, form, entry, id: draft?.id ?? uuid7(), revision: draft?.revision ?? 0,
             today: todayAt(info, siteOf(subject)) };
}

function Banner({ info, record, children }) {
    return html`<${SubjectBanner} subject=${record.subject} knee=${record.knee}
        visit=${visitTitle(info, record.visit, t)}
        site=${info.sites.find((site) => site.site === siteOf(record.subject))?.name}>${children}<//>`;
}

function BlindEntry({ study, query }) {
    const [wrong, setWrong] = useState(false);
    const { data: place, problem } = useData(() => openBlind(study, query), []);
    if (!place)
        return html`<${Page} title=${t('second.title')}>${
            problem ? html`<${Problem} problem=${problem} />` : html`<${Loading} />`}<//>`;
    const { info, form, entry, id } = place;
    const send = async ({ status, ...body }) => api.post(api.path(study, 'second-entries'), body);
    return html`<${Page} title=${t('second.enter', { title: form.title })} error=${wrong}>
        <${Alert} kind="info"><p>${t('second.blind')}</p><//>
        <${EntryForm} form=${form} first=${entry} today=${place.today} id=${id} study=${study} secondOf=${query.of}
            revision=${place.revision} send=${send} submitLabel=${t('second.compare')}
            banner=${(view) => html`<${Banner} info=${info} record=${entry}>
                <p class="entry-progress"><strong>${t('form.done_of', view)}</strong></p><//>`}
            onSaved=${() => navigate(link(study, 'second-entry', 'NEW', { of: query.of, draft: id }),
                { replace: true })}
            onProblems=${setWrong} onDone=${() => navigate(link(study, 'second-entry', id))} />
    <//>`;
}

async function openEntry(study, entryId) {
    const [info, entry] = await Promise.all([loadStudy(study), api.get(api.path(study, 'second-entries', entryId))]);
    const first = await loadSubmission(study, entry.id);
    const form = await loadForm(study, entry.form, first.form_version);
    return { info, entry, first, form, today: todayAt(info, siteOf(entry.subject)) };
}

// Sends the next version of the record where not everything stays as first entered, then the settlement.
async function settle(study, { entry, form }, decisions, settled, result) {
    const items = entry.items.map(({ item }) => {
        const { choice, reason } = decisions[item];
        return choice === 'neither' ? { item, choice, reason } : { item, choice };
    });
    if (settled !== null)
        await api.post(api.path(study, 'submissions'), submissionOf(form, settled, settled.today, result));
    await api.post(api.path(study, 'second-entries', entry.entry, 'reconcile'),
        settled === null ? { items } : { items, result });
}

// The version that would be sent, with what it needs a reason for; null when the first entry stands.
function settlementOf({ entry, first, form, today }, decisions, confirmed) {
    if (entry.items.every(({ item }) => decisions[item]?.choice === 'first'))
        return { settled: null, findings: [] };
    const settled = settledEntry(form, first, entry.items, decisions, t('second.change'));
    const whole = { ...settled, confirmed: [...settled.confirmed, ...confirmed], today };
    const { soft } = viewOf(form, { ...settled, confirmed: settled.confirmed }, today);
    return { settled: whole, findings: soft.filter((one) => !one.confirmed) };
}

function Settle({ study, data, onDone }) {
    const [decisions, setDecisions] = useState({});
    const [confirmed, setConfirmed] = useState([]);
    const [result] = useState(uuid7);
    const [state, setState] = useState({ busy: false, problem: null, round: 0, step: 'choose' });
    const missing = findMissing(data.form, data.entry.items, decisions);
    const set = (change) => setState((last) => ({ ...last, ...change }));
    const { settled, findings } = missing.length > 0 ? { settled: null, findings: [] }
        : settlementOf(data, decisions, confirmed);
    const send = async () => {
        set({ busy: true, problem: null });
        try {
            await settle(study, data, decisions, settled, result);
            onDone();
        } catch (problem) {
            set({ busy: false, problem, step: 'choose' });
        }
    };
    const check = () => {
        if (missing.length > 0)
            set({ round: state.round + 1 });
        else if (findings.length > 0)
            set({ step: 'soft' });
        else
            send();
    };
    if (state.step === 'soft')
        return html`<${SoftStep} form=${data.form} entry=${settled} findings=${findings} busy=${state.busy}
            onSend=${send}
            onReason=${(finding, reason) => setConfirmed((last) =>
                confirmFinding({ confirmed: last }, finding, reason).confirmed)}
            onBack=${() => set({ step: 'choose' })} />`;
    const errors = state.round > 0 ? missing : [];
    return html`
        <${EntryErrors} problems=${errors} round=${state.round} />
        <${Problem} problem=${state.problem} />
        <p>${t('second.settle_text')}</p>
        <${SettleTable} form=${data.form} items=${data.entry.items} decisions=${decisions} errors=${errors}
            onDecide=${(item, decision) => setDecisions((last) => ({ ...last, [item]: decision }))} />
        <div class="form-buttons"><${Button} busy=${state.busy} onClick=${check}>${t('second.settle')}<//></div>`;
}

function Comparison({ study, data, reload }) {
    const session = useSession();
    const { entry, info, form } = data;
    const maySettle = entry.state === 'differs' && session.can('second_entry') && session.account !== entry.first_by;
    return html`
        <${Banner} info=${info} record=${entry} />
        <dl class="facts">
            <div><dt>${t('second.first_by')}</dt><dd>${entry.first_by}</dd></div>
            <div><dt>${t('second.second_by')}</dt><dd>${entry.recorded_by}</dd></div>
            <div><dt>${t('record.when')}</dt><dd>${formatInstant(entry.recorded_at)}</dd></div>
        </dl>
        ${entry.state === 'agrees' && html`<${Alert} kind="success" title=${t('second.agrees')} />`}
        ${entry.state === 'reconciled' && html`<${Alert} kind="success" title=${t('second.reconciled')} />`}
        ${maySettle ? html`<${Settle} study=${study} data=${data} onDone=${reload} />`
            : entry.items.length > 0 && html`<${SettleTable} form=${form} items=${entry.items} />`}
        <p><a href=${link(study, 'records', entry.result ?? entry.id)}>${t('entry.open_record')}</a></p>`;
}

function EntryComparison({ study, id }) {
    const { data, problem, reload } = useData(() => openEntry(study, id), [id]);
    return html`<${Page} title=${data ? t('second.compared', { title: data.form.title }) : t('second.title')}>
        <${Problem} problem=${problem} onRetry=${reload} />
        ${!data && !problem && html`<${Loading} />`}
        ${data && html`<${Comparison} key=${data.entry.state} study=${study} data=${data} reload=${reload} />`}
    <//>`;
}

export default function SecondEntryPage({ route }) {
    const [{ study, parts, query }] = useState(route);
    return parts[0] === 'NEW' ? html`<${BlindEntry} study=${study} query=${query} />`
        : html`<${EntryComparison} study=${study} id=${parts[0]} />`;
}
