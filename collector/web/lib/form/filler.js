// SPDX-License-Identifier: GPL-3.0-or-later
// The items of a form on the page: all of them, or section by section when there are many, with the list of sections.
import { t } from '../i18n.js';
import { Button } from '../ui.js';
import { html, useEffect, useRef } from '../vendor.js';
import { groupsOf, itemsOf } from './engine.js';
import { ItemGroup } from './widgets.js';

const ITEMS_ON_ONE_PAGE = 15;

export function isLong(form) {
    return form.sections.length > 1 && itemsOf(form).length > ITEMS_ON_ONE_PAGE;
}

function SectionList({ sections, errors, current, onSection }) {
    const mark = (section) => {
        if (section.items.some((item) => errors.has(item.id)))
            return ['▲', t('form.section_wrong')];
        return section.done === section.total ? ['✓', t('form.section_done')] : ['○', t('form.section_open')];
    };
    return html`
        <nav class="section-list" aria-label=${t('form.sections')}>
            <ol>${sections.map((section) => {
                const [shape, word] = mark(section);
                return html`<li key=${section.id}>
                    <button type="button" class="btn btn-link" onClick=${() => onSection(section.id)}
                            aria-current=${section.id === current ? 'step' : undefined}>
                        <span aria-hidden="true">${shape}</span><span class="visually-hidden">${word}:</span>
                        ${' '}${section.title}</button>
                    <span class="section-count">${t('form.done_of', section)}</span>
                </li>`;
            })}</ol>
        </nav>`;
}

// `chosen` names the section that somebody has just gone to: its heading takes the focus, once.
function Section({ section, chosen, entry, errors, advance, onAnswer, onDecline }) {
    const heading = useRef(null);
    useEffect(() => {
        if (chosen?.current !== section.id)
            return;
        heading.current.focus();
        chosen.current = null;
    }, []);
    return html`
        <section class="form-section" aria-labelledby=${`section-${section.id}`}>
            <h2 id=${`section-${section.id}`} tabindex="-1" ref=${heading}>${section.title}</h2>
            ${groupsOf(section.items).map((group) => html`
                <${ItemGroup} key=${group.items[0].id} group=${group} entry=${entry} errors=${errors} advance=${advance}
                    onAnswer=${onAnswer} onDecline=${onDecline} />`)}
        </section>`;
}

function Steps({ sections, index, onSection }) {
    return html`<div class="section-steps">
        ${index > 0 && html`<${Button} kind="secondary" onClick=${() => onSection(sections[index - 1].id)}>${
            t('form.previous', { title: sections[index - 1].title })}<//>`}
        ${index < sections.length - 1 && html`<${Button} kind="secondary"
            onClick=${() => onSection(sections[index + 1].id)}>${
                t('form.next', { title: sections[index + 1].title })}<//>`}
    </div>`;
}

// view: of viewOf(); errors: Map item id -> text; section: id of the one that is shown, of a long form;
// onSection(id), onAnswer(item id, value), onDecline(item id, reason or null)
export function FormFiller({ form, view, entry, errors, section, advance, onSection, onAnswer, onDecline }) {
    const chosen = useRef(null);
    const parts = { entry, errors, advance, onAnswer, onDecline };
    if (!isLong(form))
        return html`<div>${view.sections.map((one) => html`
            <${Section} key=${one.id} section=${one} ...${parts} />`)}</div>`;
    const index = Math.max(0, view.sections.findIndex((one) => one.id === section));
    const current = view.sections[index];
    const go = (id) => {
        chosen.current = id === current.id ? null : id;
        onSection(id);
    };
    return html`
        <div class="form-columns">
            <${SectionList} sections=${view.sections} errors=${errors} current=${current.id} onSection=${go} />
            <div>
                <${Section} key=${current.id} section=${current} chosen=${chosen} ...${parts} />
                <${Steps} sections=${view.sections} index=${index} onSection=${go} />
            </div>
        </div>`;
}
