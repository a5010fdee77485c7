// SPDX-License-Identifier: GPL-3.0-or-later
// A version of a profile for uploads, as it was stored.
import { api } from '../api.js';
import { t } from '../i18n.js';
import { link, navigate } from '../router.js';
import { session } from '../session.js';
import { Button, Field, Loading, Problem, Select, useData } from '../ui.js';
import { html, useState } from '../vendor.js';

export function profileHref(study, { name, site }, version = null) {
    return link(study, 'profiles', name, { site, version });
}

// The YAML of a version; `site` is a number, or null for the study's.
export function loadProfile(study, { name, site }, version, signal) {
    return api.get(api.path(study, 'upload-profiles', name), { query: { site, version }, signal });
}

function Tools({ study, profile, version, yaml }) {
    const [state, setState] = useState({ said: '', problem: null });
    const copy = () => navigator.clipboard.writeText(yaml).then(
        () => setState({ said: t('admin.copied'), problem: null }),
        () => setState({ said: t('profiles.copy_failed'), problem: null }));
    const save = () => api.download(api.path(study, 'upload-profiles', profile.name),
        `${profile.name}-${version}.yaml`, { query: { site: profile.site, version } })
        .catch((problem) => setState({ said: '', problem }));
    return html`<div class="page-actions">
            <${Button} kind="secondary" onClick=${copy}>${t('admin.copy')}<//>
            <${Button} kind="secondary" onClick=${save}>${t('profiles.download')}<//>
            ${session.can('add_profile') && (profile.site !== null || session.allSites) && html`
                <a class="btn btn-outline-secondary" href=${link(study, 'profiles', { add: profile.name,
                    site: profile.site })}>${t('profiles.next')}</a>`}
        </div>
        <p role="status">${state.said}</p>
        <${Problem} problem=${state.problem} />`;
}

export function ProfileText({ study, profile, version, site }) {
    const { data: yaml, problem, reload } = useData(({ signal }) => loadProfile(study, profile, version, signal),
        [study, profile.name, profile.site, version]);
    const versions = Array.from({ length: profile.version }, (_, i) => profile.version - i);
    return html`
        <p>${t('profiles.of_site', { site })}</p>
        <${Field} id="profile-version" label=${t('profiles.version')}>
            <${Select} id="profile-version" value=${version} class="code-input"
                onChange=${(chosen) => navigate(profileHref(study, profile, chosen), { replace: true })}
                options=${versions.map((n) => ({ value: n, label: String(n) }))} />
        <//>
        <${Problem} problem=${problem} onRetry=${reload} />
        ${yaml === null && !problem && html`<${Loading} />`}
        ${yaml !== null && html`
            <${Tools} study=${study} profile=${profile} version=${version} yaml=${yaml} />
            <pre class="yaml-text" tabindex="0" role="region" aria-label=${t('profiles.yaml')}>${yaml}</pre>`}`;
}
