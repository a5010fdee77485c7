// SPDX-License-Identifier: GPL-3.0-or-later
// The form that creates a subject: its site and number stand above it, the next free number is proposed.
import { t } from '../i18n.js';
import { queue } from '../queue.js';
import { link } from '../router.js';
import { Alert, Field, Page, Problem, Select, TextInput, useData } from '../ui.js';
import { uuid7 } from '../uuid.js';
import { html, useEffect, useState } from '../vendor.js';
import { newEntry } from './engine.js';
import { EntryForm } from './entry_form.js';
import { ownSites, proposeSubject, subjectNumber, todayAt } from './place.js';
import { Receipt, usualLinks } from './receipt.js';

function numberOf(text) {
    return /^\d{1,6}$/.test(text.trim()) && Number(text) > 0 ? Number(text) : null;
}

function SubjectFields({ sites, site, number, proposed, error, onSite, onNumber }) {
    return html`
        ${sites.length > 1 && html`
            <${Field} id="enrol-site" label=${t('ui.site')}>
                <${Select} id="enrol-site" value=${String(site)} onChange=${(value) => onSite(Number(value))}
                    options=${sites.map((one) => ({ value: String(one.site), label: one.name }))} /><//>`}
        <${Field} id="form-subject" label=${t('enrol.number')} error=${error}
            hint=${proposed ? t('enrol.proposed', { subject: proposed }) : t('enrol.number_hint')}>
            <div class="number-field"><span class="unit">${String(site).padStart(2, '0')}-</span>
                <${TextInput} id="form-subject" value=${number} onChange=${onNumber} inputmode="numeric" size="8"
                    autocomplete="off" class="number-input" /></div><//>`;
}

// The number that is free next; without a network none is proposed.
function useProposal(study, site, setNumber) {
    const { data } = useData(() => proposeSubject(study, site).catch(() => null), [study, site]);
    useEffect(() => {
        if (data)
            setNumber(data.split('-')[1]);
    }, [data]);
    return data;
}

function Refused({ study, problem, subject }) {
    if (problem.code !== 'subject_exists')
        return html`<${Problem} problem=${problem} />`;
    return html`<${Alert} kind="warning" title=${t('enrol.exists', { subject })}><p>${t('enrol.exists_text')}
        ${' '}<a href=${link(study, 'subjects', subject)}>${t('form.to_subject', { subject })}</a></p><//>`;
}

export function EnrolmentEntry({ study, info, form }) {
    const sites = ownSites(info);
    const [site, setSite] = useState(sites[0]?.site);
    const [number, setNumber] = useState('');
    const [id] = useState(uuid7);
    const [first] = useState(() => newEntry(form, { subject: null, knee: 'none', visit: 'unscheduled' },
        todayAt(info, sites[0]?.site)));
    const [done, setDone] = useState(null);
    const [wrong, setWrong] = useState(false);
    const proposed = useProposal(study, site, setNumber);
    const subject = numberOf(number) === null ? null : subjectNumber(site, numberOf(number));
    if (done)
        return html`<${Page} title=${t('enrol.done', { subject })}>
            <${Receipt} form=${form} result=${done} links=${usualLinks(study, subject)} /><//>`;
    const problem = { item: 'subject', rule: 'required', soft: false, text: t('enrol.number_missing') };
    const fields = (entry, setEntry, errors) => html`
        <${SubjectFields} sites=${sites} site=${site} number=${number} proposed=${proposed} onSite=${setSite}
            onNumber=${setNumber} error=${errors.get('subject')} />`;
    return html`<${Page} title=${form.title} error=${wrong}>
        <${EntryForm} form=${form} first=${first} today=${todayAt(info, site)} id=${id} study=${study}
            keepsDrafts=${false} head=${fields} more=${() => (subject === null ? [problem] : [])}
            refusal=${(refused) => html`<${Refused} study=${study} problem=${refused} subject=${subject} />`}
            send=${(body) => queue.submit({ ...body, subject }, { study, label: `${subject} ${form.title}` })}
            onDone=${setDone} onProblems=${setWrong} />
    <//>`;
}
