// SPDX-License-Identifier: GPL-3.0-or-later
// Asks what a form is to be filled in for, as far as the link has not said it.
import { t } from '../i18n.js';
import { link, navigate } from '../router.js';
import { Button, Choice, Field, Page, Select, TextInput } from '../ui.js';
import { html, useState } from '../vendor.js';
import { EntryErrors } from './errors.js';
import { newestForms, visitTitle, visitsFor } from './place.js';

function problemsOf(place, definition) {
    const problems = [];
    if (!/^\d{2,4}-\d{4,6}$/.test(place.subject.trim()))
        problems.push({ id: 'place-subject', text: t('choose.subject_missing') });
    if (!definition)
        problems.push({ id: 'place-form', text: t('choose.form_missing') });
    if (definition && place.visit === '')
        problems.push({ id: 'place-visit', text: t('choose.visit_missing') });
    if (definition && definition.about !== 'subject' && place.knee === '')
        problems.push({ id: 'place-knee', text: t('choose.knee_missing') });
    return problems;
}

function kneeOptions(about) {
    const knees = ['right', 'left'].map((knee) => ({ value: knee, label: t(`knee.${knee}`) }));
    return about === 'either' ? [...knees, { value: 'none', label: t('choose.no_knee') }] : knees;
}

function VisitAndKnee({ info, place, definition, set, errorOf }) {
    const visits = visitsFor(info, definition.form)
        .map((visit) => ({ value: visit, label: visitTitle(info, visit, t) }));
    return html`
        <${Field} id="place-visit" label=${t('ui.visit')} error=${errorOf('place-visit')}>
            <${Select} id="place-visit" value=${place.visit} options=${visits} empty=${t('form.choose')}
                onChange=${set('visit')} /><//>
        ${definition.about !== 'subject' && html`
            <${Field} id="place-knee" group label=${t('ui.knee')} error=${errorOf('place-knee')}>
                <${Choice} id="place-knee" value=${place.knee} options=${kneeOptions(definition.about)} inline
                    onChange=${set('knee')} /><//>`}`;
}

// query: what the link has said
export function ChoosePlace({ study, info, query }) {
    const { subject = '', form = '', visit = '', knee = '' } = query;
    const [place, setPlace] = useState({ subject, form, visit, knee });
    const [round, setRound] = useState(0);
    const forms = newestForms(info).filter((one) => !one.creates_subject);
    const definition = forms.find((one) => one.form === place.form);
    const set = (name) => (value) => setPlace((last) => ({ ...last, [name]: value,
                                                           ...(name === 'form' ? { visit: '' } : {}) }));
    const problems = round === 0 ? [] : problemsOf(place, definition);
    const errorOf = (id) => problems.find((problem) => problem.id === id)?.text;
    const send = (event) => {
        event.preventDefault();
        if (problemsOf(place, definition).length > 0)
            setRound(round + 1);
        else
            navigate(link(study, 'entry', 'NEW', { ...place, subject: place.subject.trim() }));
    };
    return html`
        <${Page} title=${t('choose.title')} error=${problems.length > 0}>
            <form class="narrow-form" onSubmit=${send} novalidate>
                <${EntryErrors} problems=${problems} round=${round} />
                <${Field} id="place-subject" label=${t('ui.subject')} hint=${t('choose.subject_hint')}
                    error=${errorOf('place-subject')}>
                    <${TextInput} id="place-subject" value=${place.subject} onChange=${set('subject')}
                        autocomplete="off" class="short-text" /><//>
                <${Field} id="place-form" label=${t('choose.form')} error=${errorOf('place-form')}>
                    <${Select} id="place-form" value=${place.form} empty=${t('form.choose')} onChange=${set('form')}
                        options=${forms.map((one) => ({ value: one.form, label: one.title }))} /><//>
                ${definition && html`<${VisitAndKnee} info=${info} place=${place} definition=${definition} set=${set}
                    errorOf=${errorOf} />`}
                <div class="form-buttons"><${Button} type="submit">${t('choose.go_on')}<//></div>
            </form>
        <//>`;
}
