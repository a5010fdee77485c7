// SPDX-License-Identifier: GPL-3.0-or-later
// The dialog by which a subject gets a link to a form of its own: QR code, e-mail text, and the links that are open.
import { api } from './api.js';
import { formatInstant } from './format.js';
import { LANGUAGES, t } from './i18n.js';
import { Alert, Button, DataTable, Dialog, Field, Problem, Select, useData } from './ui.js';
import { html, useEffect, useState } from './vendor.js';

const DAYS = [3, 7, 14, 30];

// The forms that the schedule owes, as options; `value` names visit, form and knee.
function openForms(schedule) {
    const titles = new Map((schedule.visits ?? []).map(({ visit, title }) => [visit, title]));
    return schedule.cells.flatMap((visit) => (visit.forms ?? [])
        .filter((form) => form.state !== 'done' && form.state !== 'not_expected')
        .map((form) => ({
            value: JSON.stringify({ visit: visit.visit, form: form.form, knee: form.knee }),
            label: [titles.get(visit.visit) ?? visit.visit, form.title ?? form.form,
                form.knee === 'none' ? null : t(`participant.knee_${form.knee}`)].filter(Boolean).join(', '),
        })));
}

// One path of all dark squares, with the quiet zone of four that readers need.
function QrCode({ text }) {
    const [path, setPath] = useState(null);
    useEffect(() => {
        import('../vendor/qrcode.js').then(({ default: qrcode }) => {
            const code = qrcode(0, 'M');
            code.addData(text);
            code.make();
            const size = code.getModuleCount();
            const places = Array.from({ length: size * size }, (_, i) => [i % size, Math.floor(i / size)]);
            const d = places.filter(([x, y]) => code.isDark(y, x)).map(([x, y]) => `M${x + 4} ${y + 4}h1v1h-1z`);
            setPath({ size: size + 8, d: d.join('') });
        });
    }, [text]);
    return path && html`
        <svg class="link-code" role="img" aria-label=${t('link.code')} viewBox=${`0 0 ${path.size} ${path.size}`}
             width="220" height="220" shape-rendering="crispEdges">
            <rect width=${path.size} height=${path.size} fill="#fff" /><path d=${path.d} fill="#000" />
        </svg>`;
}

function Made({ made }) {
    const [copied, setCopied] = useState(false);
    const address = `${location.origin}${made.path}`;
    const words = t('link.mail', { address, until: formatInstant(made.expires_at) });
    const copy = () => navigator.clipboard.writeText(words).then(() => setCopied(true), () => setCopied(false));
    return html`
        <${Alert} kind="success">${t('link.made')}<//>
        <${QrCode} text=${address} />
        <${Field} id="link-mail" label=${t('link.mail_label')}>
            <textarea id="link-mail" class="form-control" rows="6" readonly value=${words}></textarea>
        <//>
        <${Button} kind="secondary" onClick=${copy}>${t(copied ? 'link.copied' : 'link.copy')}<//>`;
}

function OpenLinks({ study, subject, made }) {
    const { data, problem, reload } = useData(
        () => api.get(api.path(study, 'participant-links'), { query: { subject, state: 'open' } }), [made]);
    const [refused, setRefused] = useState(null);
    const revoke = (link) => api.delete(api.path(study, 'participant-links', link.id)).then(reload, setRefused);
    return html`
        <${Problem} problem=${problem ?? refused} />
        ${data && html`<${DataTable} caption=${t('link.open')} rows=${data.links} empty=${t('link.none')} columns=${[
            { key: 'visit', title: t('ui.visit') },
            { key: 'form', title: t('day.form') },
            { key: 'expires_at', title: t('link.until'), render: (link) => formatInstant(link.expires_at) },
            { key: 'id', title: t('link.act'), render: (link) => html`<button type="button"
                class="btn btn-sm btn-outline-danger" onClick=${() => revoke(link)}>${t('link.revoke')}</button>` },
        ]} />`}`;
}

export function ParticipantLinkDialog({ study, subject, schedule, onClose }) {
    const forms = openForms(schedule);
    const [chosen, setChosen] = useState(forms[0]?.value ?? '');
    const [language, setLanguage] = useState('');
    const [days, setDays] = useState('14');
    const [made, setMade] = useState(null);
    const [problem, setProblem] = useState(null);
    const make = () => {
        setProblem(null);
        api.post(api.path(study, 'participant-links'),
            { subject, ...JSON.parse(chosen), language: language || null, days: Number(days) })
            .then(setMade, setProblem);
    };
    return html`
        <${Dialog} title=${t('link.title')} onClose=${onClose}>
            <p>${t('link.text')}</p>
            <${Problem} problem=${problem} />
            ${made ? html`<${Made} made=${made} />` : html`
                <${Field} id="link-form" label=${t('day.form')}>
                    <${Select} id="link-form" value=${chosen} options=${forms} onChange=${setChosen} />
                <//>
                <${Field} id="link-language" label=${t('link.language')}>
                    <${Select} id="link-language" value=${language} empty=${t('link.any_language')}
                        options=${LANGUAGES.map(([value, label]) => ({ value, label }))} onChange=${setLanguage} />
                <//>
                <${Field} id="link-days" label=${t('link.days')}>
                    <${Select} id="link-days" value=${days} onChange=${setDays}
                        options=${DAYS.map((n) => ({ value: String(n), label: t('link.day_count', { n }) }))} />
                <//>
                ${forms.length > 0 ? html`<${Button} onClick=${make}>${t('link.make')}<//>`
                    : html`<${Alert}>${t('link.nothing_due')}<//>`}`}
            <${OpenLinks} study=${study} subject=${subject} made=${made} />
            <${Button} kind="secondary" onClick=${onClose}>${t('link.close')}<//>
        <//>`;
}
