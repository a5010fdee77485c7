// SPDX-License-Identifier: GPL-3.0-or-later
// A profile for uploads is added: its YAML pasted, or read from a file.
import { api } from '../api.js';
import { siteLabel } from '../day/filters.js';
import { ownSites } from '../form/place.js';
import { t } from '../i18n.js';
import { navigate, useLeaveGuard } from '../router.js';
import { session } from '../session.js';
import { Button, ErrorSummary, Field, Problem, Select, TextArea } from '../ui.js';
import { html, useEffect, useState } from '../vendor.js';
import { loadProfile, profileHref } from './profile_text.js';

const MOST_BYTES = 1 << 18;   // of a body, as the server takes it

function faultsOf({ yaml, site }) {
    const faults = [];
    if (yaml.trim() === '')
        faults.push({ id: 'profile-yaml', text: t('profiles.yaml_missing') });
    if (!session.allSites && site === '')
        faults.push({ id: 'profile-site', text: t('profiles.site_missing') });
    return faults;
}

// The newest version of what gets a next one.
function useBefore(study, profile, onText) {
    const [problem, setProblem] = useState(null);
    useEffect(() => {
        const stop = new AbortController();
        if (profile)
            loadProfile(study, profile, profile.version, stop.signal).then(onText,
                (failure) => stop.signal.aborted || setProblem(failure));
        return () => stop.abort();
    }, []);
    return problem;
}

function FileOfYaml({ error, onText, onFault }) {
    const read = async (file) => {
        if (!file)
            return;
        if (file.size > MOST_BYTES)
            onFault(t('profiles.file_large', { name: file.name }));
        else
            onText(await file.text());
    };
    return html`<${Field} id="profile-file" label=${t('profiles.file')} hint=${t('profiles.file_hint')} error=${error}>
        <input id="profile-file" type="file" class=${`form-control ${error ? 'is-invalid' : ''}`}
            accept=".yaml,.yml,text/plain" aria-invalid=${error ? 'true' : undefined}
            aria-describedby=${error ? 'profile-file-hint profile-file-error' : 'profile-file-hint'}
            onChange=${(event) => read(event.currentTarget.files[0])} /><//>`;
}

function SiteOfProfile({ info, value, error, onChange }) {
    const sites = ownSites(info).map((one) => ({ value: String(one.site), label: siteLabel(one) }));
    return html`<${Field} id="profile-site" label=${t('ui.site')} hint=${t('profiles.site_hint')} error=${error}>
        <${Select} id="profile-site" value=${value} onChange=${onChange} options=${sites}
            empty=${session.allSites ? t('profiles.whole_study') : t('profiles.choose_site')} /><//>`;
}

function firstSite(info, profile) {
    const own = ownSites(info);
    return String(profile?.site ?? (!session.allSites && own.length === 1 ? own[0].site : ''));
}

// [values, state, set(name) => (value), send(event)]
function useAdding(study, info, profile) {
    const [values, setValues] = useState({ yaml: '', site: firstSite(info, profile), typed: false });
    const [state, setState] = useState({ busy: false, faults: [], problem: null, stored: null });
    useEffect(() => {
        if (state.stored)   // drawn, so that nobody asks any more whether to leave
            navigate(profileHref(study, state.stored));
    }, [state.stored]);
    const set = (name, typed = true) => (value) => setValues((before) => ({ ...before, [name]: value, typed }));
    const fail = (faults) => setState({ busy: false, faults, problem: null, stored: null });
    const send = async (event) => {
        event.preventDefault();
        const faults = faultsOf(values);
        fail(faults);
        if (faults.length > 0)
            return;
        setState({ busy: true, faults: [], problem: null, stored: null });
        try {
            const stored = await api.post(api.path(study, 'upload-profiles'), values.yaml,
                { query: { site: values.site }, headers: { 'Content-Type': 'application/yaml' } });
            setState({ busy: false, faults: [], problem: null, stored });
        } catch (problem) {
            setState({ busy: false, faults: [], problem, stored: null });
        }
    };
    return { values, state, set, fail, send };
}

// profile: the newest version of what gets a next one, or undefined
export function ProfileForm({ study, info, profile }) {
    const { values, state, set, fail, send } = useAdding(study, info, profile);
    const before = useBefore(study, profile, set('yaml', false));
    useLeaveGuard(values.typed && values.yaml !== '' && !state.stored);
    const errorOf = (id) => state.faults.find((fault) => fault.id === id)?.text;
    return html`<form onSubmit=${send} novalidate class="profile-form">
        <p class="measure quiet">${t('profiles.add_text')}</p>
        <${ErrorSummary} problems=${state.faults} />
        <${Problem} problem=${state.problem ?? before} />
        <${SiteOfProfile} info=${info} value=${values.site} error=${errorOf('profile-site')} onChange=${set('site')} />
        <${FileOfYaml} error=${errorOf('profile-file')} onText=${set('yaml')}
            onFault=${(text) => fail([{ id: 'profile-file', text }])} />
        <${Field} id="profile-yaml" label=${t('profiles.yaml')} hint=${t('profiles.yaml_hint')}
            error=${errorOf('profile-yaml')}>
            <${TextArea} id="profile-yaml" rows="16" class="yaml-input" value=${values.yaml} onChange=${set('yaml')}
                spellcheck="false" autocapitalize="none" wrap="off" /><//>
        <${Button} type="submit" busy=${state.busy}>${t('profiles.store')}<//>
    </form>`;
}
