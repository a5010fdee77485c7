// SPDX-License-Identifier: GPL-3.0-or-later
// What a review of the audit trail found, as a table of its kind.
import { kneeName } from '../day/places.js';
import { visitTitle } from '../form/place.js';
import { formatDate, formatInstant, formatNumber } from '../format.js';
import { t } from '../i18n.js';
import { link } from '../router.js';
import { session } from '../session.js';
import { DataTable, StateBadge } from '../ui.js';
import { html } from '../vendor.js';

const COUNTS = ['entries', 'corrections', 'voids', 'refused', 'repeated', 'exports', 'others'];

function Instant({ at }) {
    return html`<span class="no-wrap">${formatInstant(at)}</span>`;
}

function Subject({ study, subject, site }) {
    if (subject === null)
        return site === null ? '' : String(site);
    return session.can('see_subjects')
        ? html`<a class="no-wrap" href=${link(study, 'subjects', subject)}>${subject}</a>` : subject;
}

// "Pain (VAS), version 2" and where it belongs.
function Record({ study, info, detail }) {
    const title = info.forms.find((form) => form.form === detail.form)?.title ?? detail.form;
    const words = t('review.record_version', { form: title, version: detail.version });
    const place = [visitTitle(info, detail.visit, t), kneeName(detail.knee)].filter(Boolean).join(', ');
    const name = session.can('see_records') ? html`<a href=${link(study, 'records', detail.id)}>${words}</a>` : words;
    return html`<div>${name}<div class="quiet small">${place}</div></div>`;
}

function Signatures({ detail }) {
    return html`<div>${detail.signatures.map((one) => html`<div key=${one.signature}>${t('review.signed', {
        name: one.printed_name, version: one.version, time: formatInstant(one.at) })}</div>`)}
        <${StateBadge} state=${detail.signed_again ? 'signed' : 'open'}
            label=${t(detail.signed_again ? 'review.signed_again' : 'review.not_signed_again')} /></div>`;
}

// What an account did, and how often.
function Counts({ detail }) {
    return html`<div class="form-links">${COUNTS.filter((what) => detail[what]).map((what) => html`
        <span class="no-wrap" key=${what}>${t(`review.col_${what}`)} <strong>${
            formatNumber(detail[what])}</strong></span>`)}</div>`;
}

function columnsOf(kind, { study, info }) {
    const number = (key) => ({ key, title: t(`review.col_${key}`), align: 'right',
                               render: ({ detail }) => formatNumber(detail[key] ?? 0) });
    const at = { key: 'at', title: t('audit.at'), render: (one) => html`<${Instant} at=${one.at} />` };
    const account = { key: 'account', title: t('admin.account') };
    const subject = { key: 'subject', title: t('ui.subject'), render: (one) => html`<${Subject} study=${study}
        subject=${one.subject} site=${one.site} />` };
    const record = { key: 'record', title: t('review.record'), render: ({ detail }) => html`<${Record} study=${study}
        info=${info} detail=${detail} />` };
    const atSite = { key: 'at_site', title: t('review.at_site'), render: ({ detail }) => html`
        <span class="no-wrap">${formatDate(detail.at_site.slice(0, 10))}, ${detail.at_site.slice(11)}</span>` };
    const date = { key: 'date', title: t('day.date'), render: ({ detail }) => html`
        <span class="no-wrap">${detail.date && formatDate(detail.date)}</span>` };
    const signatures = { key: 'signatures', title: t('review.signatures'),
                         render: ({ detail }) => html`<${Signatures} detail=${detail} />` };
    const last = { key: 'last_at', title: t('review.last_at'), render: ({ detail }) => html`<${Instant}
        at=${detail.last_at} />` };
    const counts = { key: 'counts', title: t('audit.change'), render: ({ detail }) => html`<${Counts}
        detail=${detail} />` };
    return {
        late_entries: [subject, record, date, atSite, account, number('days')],
        out_of_hours: [subject, record, atSite, account],
        after_signature: [subject, record, at, account, signatures],
        bulk_edits: [{ ...at, title: t('review.begins') }, account, number('changes'), number('subjects')],
        accounts: [account, { ...at, title: t('review.first_at') }, last, counts],
    }[kind];
}

// place: {study, info (of the study)}
export function ReviewFindings({ review, place }) {
    const { found, findings, kind } = review;
    return html`
        <p role="status">${findings.length < found ? t('review.first_of', { n: findings.length,
            found: formatNumber(found) }) : t('review.found', { n: found, count: formatNumber(found) })}</p>
        ${found > 0 && html`<div class="wide-table"><${DataTable} caption=${t(`review.kind_${kind}`)} hideCaption
            class="whole-words" rows=${findings} columns=${columnsOf(kind, place)}
            rowKey=${(one) => `${one.at} ${one.account} ${one.detail.id ?? ''}`} /></div>`}`;
}
