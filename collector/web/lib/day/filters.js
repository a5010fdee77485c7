// SPDX-License-Identifier: GPL-3.0-or-later
// Filters of a list that stand in its address, so that they outlive a reload and can be sent to somebody.
import { t } from '../i18n.js';
import { link, navigate } from '../router.js';
import { Field, Select, TextInput } from '../ui.js';
import { html, useEffect, useRef, useState } from '../vendor.js';

const TYPING_MS = 250;

// -> {values, href(changes), set(changes)}; a change leads back to the first page.
export function filtersOf(route) {
    const href = (changes) => link(route.study, route.page, { ...route.query, after: null, ...changes });
    return { values: route.query, href, set: (changes) => navigate(href(changes), { replace: true }) };
}

export function SelectFilter({ filters, name, label, empty, options }) {
    return html`<${Field} id=${`filter-${name}`} label=${label}>
        <${Select} id=${`filter-${name}`} value=${filters.values[name] ?? ''} empty=${empty} options=${options}
            onChange=${(value) => filters.set({ [name]: value })} /><//>`;
}

// Takes effect when nothing was typed for a moment.
export function TextFilter({ filters, name, label, hint, ...rest }) {
    const [text, setText] = useState(filters.values[name] ?? '');
    const timer = useRef(null);
    useEffect(() => () => clearTimeout(timer.current), []);
    const change = (value) => {
        setText(value);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => filters.set({ [name]: value.trim() }), TYPING_MS);
    };
    return html`<${Field} id=${`filter-${name}`} label=${label} hint=${hint}>
        <${TextInput} id=${`filter-${name}`} type="search" value=${text} onChange=${change} autocomplete="off"
            spellcheck="false" ...${rest} /><//>`;
}

export function SiteFilter({ filters, sites }) {
    if (sites.length < 2)
        return null;
    return html`<${SelectFilter} filters=${filters} name="site" label=${t('ui.site')} empty=${t('day.all_sites')}
        options=${sites.map((site) => ({ value: String(site.site), label: siteLabel(site) }))} />`;
}

export function siteLabel(site) {
    return `${String(site.site).padStart(2, '0')} ${site.name}`;
}

// What hides most of the list can be taken away at once.
export function FilterBar({ filters, names, children }) {
    const isFiltered = names.some((name) => filters.values[name]);
    const none = Object.fromEntries(names.map((name) => [name, null]));
    return html`<form class="filter-bar" role="search" aria-label=${t('day.filters')}
            onSubmit=${(event) => event.preventDefault()}>
        ${children}
        ${isFiltered && html`<a class="filter-clear" href=${filters.href(none)}>${t('day.clear_filters')}</a>`}
    </form>`;
}
