// SPDX-License-Identifier: GPL-3.0-or-later
// A new data cut, and a new report of one.
import { api } from '../../lib/api.js';
import { formatInstant } from '../../lib/format.js';
import { t } from '../../lib/i18n.js';
import { link, navigate } from '../../lib/router.js';
import { useSession } from '../../lib/session.js';
import { Alert, Button, ErrorSummary, Field, Problem, Select, TextInput, useData } from '../../lib/ui.js';
import { html, useState } from '../../lib/vendor.js';

const QUIET = { busy: false, fault: null, problem: null };

// Approved requests by which the cohorts of a masked study are told apart; of those who may ask for them only.
async function loadUnblindings(study, may, signal) {
    if (!may)
        return [];
    const { unblindings } = await api.get(api.path(study, 'unblindings'), { signal });
    return unblindings.filter((request) => request.state === 'approved' && !request.subject);
}

export function NewReport({ study, cuts }) {
    const session = useSession();
    const may = session.can('request_unblinding');
    const [choice, setCut] = useState(null);
    const cut = choice ?? String(cuts[0]?.cut ?? '');   // the newest, until another one is chosen
    const [unblinding, setUnblinding] = useState('');
    const [state, setState] = useState(QUIET);
    const { data: approved } = useData(({ signal }) => loadUnblindings(study, may, signal), [study, may]);
    const submit = async (event) => {
        event.preventDefault();
        setState({ ...QUIET, busy: true });
        try {
            const body = { cut: Number(cut), ...(unblinding ? { unblinding } : {}) };
            const made = await api.post(api.path(study, 'reports'), body);
            navigate(link(study, 'reports', made.report));
        } catch (problem) {
            setState({ ...QUIET, problem });
        }
    };
    const options = cuts.map((one) => ({ value: String(one.cut), label: t('reports.cut_choice',
        { cut: one.cut, label: one.label, at: formatInstant(one.made_at) }) }));
    return html`
        <section aria-labelledby="new-report-title" class="new-upload">
            <h2 id="new-report-title">${t('reports.generate_title')}</h2>
            ${cuts.length === 0 ? html`<p>${t('reports.cut_none')}</p>` : html`
                <form onSubmit=${submit} novalidate>
                    <${Problem} problem=${state.problem} />
                    <${Field} id="report-cut" label=${t('reports.cut')} hint=${t('reports.cut_hint')}>
                        <${Select} id="report-cut" value=${cut} onChange=${setCut} options=${options} /><//>
                    ${approved?.length > 0 && html`
                        <${Field} id="report-unblinding" label=${t('reports.unblinding')}>
                            <${Select} id="report-unblinding" value=${unblinding} onChange=${setUnblinding}
                                empty=${t('reports.unblinding_none')} options=${approved.map((request) => ({
                                    value: request.request, label: t('reports.unblinding_choice',
                                        { at: formatInstant(request.approved_at) }) }))} /><//>`}
                    <${Button} type="submit" busy=${state.busy}>${t('reports.generate')}<//>
                </form>`}
        </section>`;
}

export function NewCut({ study, onMade }) {
    const [label, setLabel] = useState('');
    const [made, setMade] = useState(null);
    const [state, setState] = useState(QUIET);
    const submit = async (event) => {
        event.preventDefault();
        setMade(null);
        if (label.trim() === '') {
            setState({ ...QUIET, fault: t('reports.cut_label_missing') });
            return;
        }
        setState({ ...QUIET, busy: true });
        try {
            setMade(await api.post(api.path(study, 'cuts'), { label: label.trim() }));
            setState(QUIET);
            setLabel('');
            onMade();
        } catch (problem) {
            setState({ ...QUIET, problem });
        }
    };
    return html`
        <section aria-labelledby="new-cut-title" class="new-upload">
            <h2 id="new-cut-title">${t('reports.cut_new')}</h2>
            ${made && html`<${Alert} kind="success" title=${t('reports.cut_made')}>
                <p class="mb-0">${t('reports.cut_made_text', { cut: made.cut })}</p><//>`}
            <form onSubmit=${submit} novalidate>
                <${ErrorSummary} problems=${state.fault ? [{ id: 'cut-label', text: state.fault }] : []} />
                <${Problem} problem=${state.problem} />
                <${Field} id="cut-label" label=${t('reports.cut_label')} hint=${t('reports.cut_label_hint')}
                    error=${state.fault}>
                    <${TextInput} id="cut-label" value=${label} onChange=${setLabel} maxlength="100"
                        autocomplete="off" /><//>
                <${Button} type="submit" kind="secondary" busy=${state.busy}>${t('reports.cut_new')}<//>
            </form>
        </section>`;
}
