// SPDX-License-Identifier: GPL-3.0-or-later
// How sites' files look: profiles for uploads, in versions.
//   profiles                          the newest of each
//   profiles/NAME?site=&version=      one of them, as text
//   profiles?add=NAME&site=           a new one; with a name the next version of that one
import { api } from '../lib/api.js';
import { ProfileForm } from '../lib/admin/profile_form.js';
import { ProfileText, profileHref } from '../lib/admin/profile_text.js';
import { siteLabel } from '../lib/day/filters.js';
import { loadStudy } from '../lib/form/place.js';
import { formatInstant, formatNumber } from '../lib/format.js';
import { t } from '../lib/i18n.js';
import { link } from '../lib/router.js';
import { session } from '../lib/session.js';
import { DataTable, Loading, Page, Problem, useData } from '../lib/ui.js';
import { html } from '../lib/vendor.js';

export const A_NEW_ONE = '*';   // no name of a profile

async function load(study, signal) {
    const [info, { profiles }] = await Promise.all([
        loadStudy(study), api.get(api.path(study, 'upload-profiles'), { signal }),
    ]);
    return { info, profiles };
}

// "01 Knee clinic", or the words for the whole study.
function siteWords(info, site) {
    const known = info.sites.find((one) => one.site === site);
    return site === null ? t('profiles.whole_study') : known ? siteLabel(known) : String(site);
}

function columnsOf(study, info) {
    return [
        { key: 'name', title: t('profiles.name'), render: (profile) => html`
            <a href=${profileHref(study, profile)}>${profile.name}</a>` },
        { key: 'site', title: t('ui.site'), render: (profile) => siteWords(info, profile.site) },
        { key: 'version', title: t('profiles.newest'),
          render: (profile) => formatNumber(profile.version) },
        { key: 'added_at', title: t('profiles.added'), render: (profile) => formatInstant(profile.added_at) },
        { key: 'added_by', title: t('profiles.by') },
    ];
}

function List({ study, data }) {
    return html`
        <p class="measure quiet">${t('profiles.text')}</p>
        <${DataTable} caption=${t('profiles.title')} hideCaption rows=${data.profiles}
            rowKey=${(profile) => `${profile.site} ${profile.name}`} columns=${columnsOf(study, data.info)}
            empty=${t('profiles.none')} />`;
}

function Chosen({ route, data }) {
    const site = route.query.site ? Number(route.query.site) : null;
    const isAsked = (profile) => profile.name === (route.parts[0] ?? route.query.add) && profile.site === site;
    const profile = data.profiles.find(isAsked);
    if (route.query.add)
        return html`<${ProfileForm} study=${route.study} info=${data.info} profile=${profile} />`;
    if (!profile)
        return html`<p>${t('profiles.unknown', { name: route.parts[0] })}</p>`;
    const version = Number(route.query.version) || profile.version;
    return html`<${ProfileText} study=${route.study} profile=${profile} version=${version}
        site=${siteWords(data.info, profile.site)} />`;
}

function titleOf({ parts, query }) {
    if (parts.length > 0)
        return t('profiles.title_of', { name: parts[0] });
    if (!query.add)
        return t('profiles.title');
    return query.add === A_NEW_ONE ? t('profiles.add') : t('profiles.next_title', { name: query.add });
}

export default function ProfilesPage({ route }) {
    const { study } = route;
    const { data, problem, loading, reload } = useData(({ signal }) => load(study, signal), [study]);
    const isList = route.parts.length === 0 && !route.query.add;
    const actions = isList && session.can('add_profile') && html`<a class="btn btn-primary" href=${
        link(study, 'profiles', { add: A_NEW_ONE })}>${t('profiles.add')}</a>`;
    return html`<${Page} title=${titleOf(route)} actions=${actions}>
        <p>${isList ? html`<a href=${link(study, 'uploads')}>${t('profiles.to_uploads')}</a>`
            : html`<a href=${link(study, 'profiles')}>${t('profiles.to_all')}</a>`}</p>
        <${Problem} problem=${problem} onRetry=${reload} />
        ${!data && loading && html`<${Loading} />`}
        ${data && (isList ? html`<${List} study=${study} data=${data} />`
            : html`<${Chosen} route=${route} data=${data} />`)}
    <//>`;
}
