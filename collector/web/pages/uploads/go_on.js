// SPDX-License-Identifier: GPL-3.0-or-later
// A file of which not all bytes have arrived: the same file is chosen again, and goes on where it was.
import { api } from '../../lib/api.js';
import { formatBytes } from '../../lib/format.js';
import { t } from '../../lib/i18n.js';
import { Button, ErrorSummary, Problem, useData } from '../../lib/ui.js';
import { html, useState } from '../../lib/vendor.js';
import { FileInput, useSending } from './new.js';
import { Progress } from './parts.js';

async function offsetOf(study, id, signal) {
    const reply = await api.ask('HEAD', `/uploads/${id}`,
                                { query: { study }, headers: { 'Tus-Resumable': '1.0.0' }, signal });
    return Number(reply.headers.get('Upload-Offset'));
}

// Bytes of another file would be put behind those that are there.
function faultOf(file, known) {
    if (!file)
        return t('uploads.file_missing');
    return file.name === known.name && file.size === known.size ? null
        : t('uploads.other_file', { name: known.name, size: formatBytes(known.size) });
}

export function GoOn({ upload, study, onDone }) {
    const { data: offset, problem } = useData(({ signal }) => offsetOf(study, upload.id, signal), [upload.id]);
    const [file, setFile] = useState(null);
    const [fault, setFault] = useState(null);
    const [state, begin] = useSending(study, { onDone });
    const submit = (event) => {
        event.preventDefault();
        const found = faultOf(file, upload.file);
        setFault(found);
        if (!found)
            begin(file, { address: `/api/v1/uploads/${upload.id}?${new URLSearchParams({ study })}` });
    };
    const done = state.file ? state.bytes : offset ?? 0;
    return html`
        <section aria-labelledby="go-on-title">
            <h2 id="go-on-title">${t('uploads.go_on_title')}</h2>
            <${Progress} label=${t('uploads.sent')} done=${done} of=${upload.file.size}>
                <span class="form-text">${t('uploads.bytes_of', {
                    done: formatBytes(done), of: formatBytes(upload.file.size) })}</span><//>
            <${ErrorSummary} problems=${fault ? [{ id: 'go-on-file', text: fault }] : []} />
            <${Problem} problem=${problem ?? state.problem} />
            ${!state.file && html`
                <form onSubmit=${submit} novalidate>
                    <p>${t('uploads.go_on_text', { name: upload.file.name })}</p>
                    <${FileInput} id="go-on-file" file=${file} error=${fault}
                        onChange=${(chosen) => setFile(chosen ?? null)}
                        label=${t('uploads.choose')} hint=${t('uploads.choose_hint')} />
                    <${Button} type="submit">${t('uploads.go_on')}<//>
                </form>`}
        </section>`;
}
