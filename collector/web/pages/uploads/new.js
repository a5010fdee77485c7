// SPDX-License-Identifier: GPL-3.0-or-later
// A file to upload: dropped or chosen, what it is, and its way to the server.
import { api } from '../../lib/api.js';
import { formatBytes } from '../../lib/format.js';
import { t } from '../../lib/i18n.js';
import { link, navigate } from '../../lib/router.js';
import { Button, ErrorSummary, Field, Problem, Select, useData } from '../../lib/ui.js';
import { html, useEffect, useRef, useState } from '../../lib/vendor.js';
import { Progress } from './parts.js';
import { sendFile } from './send.js';

// A place to drop a file on, and a button that does the same.
export function FileInput({ id, file, error, hint, label, onChange }) {
    const [over, setOver] = useState(false);
    const drag = (inside) => (event) => {
        event.preventDefault();
        setOver(inside);
    };
    const drop = (event) => {
        event.preventDefault();
        setOver(false);
        if (event.dataTransfer.files.length > 0)
            onChange(event.dataTransfer.files[0]);
    };
    return html`
        <div class=${`drop-zone ${over ? 'drop-zone-over' : ''}`} onDragEnter=${drag(true)} onDragOver=${drag(true)}
             onDragLeave=${drag(false)} onDrop=${drop}>
            <${Field} id=${id} label=${label} hint=${hint} error=${error}>
                <input id=${id} type="file" class=${`form-control ${error ? 'is-invalid' : ''}`}
                    aria-describedby=${error ? `${id}-error` : `${id}-hint`} aria-invalid=${error ? 'true' : undefined}
                    accept=".csv,.txt,.tsv,.zip,text/csv"
                    onChange=${(event) => onChange(event.currentTarget.files[0])} />
            <//>
            ${file && html`<p class="mb-0"><strong>${file.name}</strong> (${formatBytes(file.size)})</p>`}
        </div>`;
}

// What is sent, and how far it is: [state, begin(file, options), stop()].
export function useSending(study, { onDone } = {}) {
    const [state, setState] = useState({ file: null, bytes: 0, size: 0, problem: null });
    const sending = useRef(null);
    useEffect(() => () => sending.current?.stop(), []);
    const begin = async (file, options) => {
        setState({ file, bytes: 0, size: file.size, problem: null });
        sending.current = await sendFile(file, study, { ...options, on: {
            progress: (bytes, size) => setState({ file, bytes, size, problem: null }),
            done: (id) => {
                setState({ file: null, bytes: 0, size: 0, problem: null });
                onDone?.(id);
            },
            failed: (problem) => setState({ file: null, bytes: 0, size: 0, problem }),
        } });
    };
    const stop = () => {
        sending.current?.stop();
        setState({ file: null, bytes: 0, size: 0, problem: null });
    };
    return [state, begin, stop];
}

function faultOf(file) {
    if (!file)
        return t('uploads.file_missing');
    return file.size === 0 ? t('uploads.file_empty') : null;
}

// What the file is: one form for all rows, a profile of the site, or neither, when its columns say it.
function WhatItIs({ known, value, onChange }) {
    const forms = known.forms.map(({ form, title }) => ({ value: `form ${form}`, label: title ?? form }));
    const profiles = known.profiles.map(({ name }) => ({ value: `profile ${name}`,
                                                         label: t('uploads.profile', { name }) }));
    return html`
        <${Field} id="upload-what" label=${t('uploads.what')} hint=${t('uploads.what_hint')}>
            <${Select} id="upload-what" value=${value} onChange=${onChange} options=${[...profiles, ...forms]}
                empty=${t('uploads.what_rows')} />
        <//>`;
}

async function loadKnown(study, signal) {
    const [forms, profiles] = await Promise.all([
        api.get(api.path(study, 'forms'), { signal }),
        api.get(api.path(study, 'upload-profiles'), { signal }),
    ]);
    const newest = new Map(forms.forms.map((form) => [form.form, form]));
    const names = new Map(profiles.profiles.map((profile) => [profile.name, profile]));
    return { forms: [...newest.values()], profiles: [...names.values()] };
}

function Sending({ state, stop }) {
    return html`
        <p>${t('uploads.sending', { name: state.file.name })}</p>
        <${Progress} label=${t('uploads.sent')} done=${state.bytes} of=${state.size} />
        <p class="form-text">${t('uploads.sending_hint')}</p>
        <${Button} kind="secondary" onClick=${stop}>${t('uploads.stop')}<//>`;
}

export function NewUpload({ study }) {
    const [file, setFile] = useState(null);
    const [what, setWhat] = useState('');
    const [fault, setFault] = useState(null);
    const { data: known, problem } = useData(({ signal }) => loadKnown(study, signal), [study]);
    const [state, begin, stop] = useSending(study, { onDone: (id) => navigate(link(study, 'uploads', id)) });
    const submit = (event) => {
        event.preventDefault();
        setFault(faultOf(file));
        if (faultOf(file))
            return;
        const [kind, name] = what.split(' ');
        begin(file, { query: name ? { [kind]: name } : {} });
    };
    const choose = (chosen) => {
        setFile(chosen ?? null);
        setFault(null);
    };
    return html`
        <section aria-labelledby="new-upload-title" class="new-upload">
            <h2 id="new-upload-title">${t('uploads.new')}</h2>
            <${ErrorSummary} problems=${fault ? [{ id: 'upload-file', text: fault }] : []} />
            <${Problem} problem=${problem ?? state.problem} />
            ${state.file ? html`<${Sending} state=${state} stop=${stop} />` : html`
                <form onSubmit=${submit} novalidate>
                    <${FileInput} id="upload-file" file=${file} error=${fault} onChange=${choose}
                        label=${t('uploads.choose')} hint=${t('uploads.choose_hint')} />
                    ${known && html`<${WhatItIs} known=${known} value=${what} onChange=${setWhat} />`}
                    <${Button} type="submit">${t('uploads.preview')}<//>
                </form>`}
        </section>`;
}
