// SPDX-License-Identifier: GPL-3.0-or-later
// The answers of a version, section by section, with what was confirmed and asked.
import { answerIn } from '../form/engine.js';
import { answerText, itemLabel } from '../form/words.js';
import { t } from '../i18n.js';
import { Button, DataTable, StateBadge } from '../ui.js';
import { html } from '../vendor.js';

function Answer({ item, content }) {
    const answer = answerIn(content, item.id);
    const confirmed = (content.confirmed ?? []).filter((one) => one.item === item.id);
    if (answer === null)
        return html`<span class="no-answer">${t('record.no_answer')}</span>`;
    return html`<div>
        <span class=${'declined' in answer ? 'no-answer' : ''}>${answerText(item, answer)}</span>
        ${confirmed.map((one) => html`<span class="confirmed" key=${one.rule}>${
            t('record.confirmed', { reason: one.reason })}</span>`)}</div>`;
}

function Asked({ item, queries, onAsk }) {
    const open = queries.filter((query) => query.item === item.id && query.state !== 'closed');
    return html`<div>
        ${open.map((query) => html`<${StateBadge} key=${query.query} state=${query.state} />`)}
        ${onAsk && html`<${Button} kind="link" small onClick=${() => onAsk(item)}
            aria-label=${t('record.ask_about', { item: itemLabel(item) })}>${t('record.ask')}<//>`}</div>`;
}

// onAsk(item): opens a query, or undefined where that is not for this role
export function Answers({ form, record, queries, onAsk }) {
    const { content } = record;
    if (record.status === 'void')
        return html`<p>${t('record.is_void')}</p>`;
    if (content.redacted)
        return html`<p>${t('record.is_redacted')}</p>`;
    const whole = (content.confirmed ?? []).filter((one) => !one.item);
    const isThere = (item) => answerIn(content, item.id) !== null || !item.show;
    const columns = [
        { key: 'item', title: t('record.item'), render: itemLabel },
        { key: 'answer', title: t('record.answer'),
          render: (item) => html`<${Answer} item=${item} content=${content} />` },
        { key: 'query', title: t('record.queries'),
          render: (item) => html`<${Asked} item=${item} queries=${queries} onAsk=${onAsk} />` },
    ];
    return html`
        ${whole.map((one) => html`<p key=${one.rule}>${t('record.confirmed_whole', { reason: one.reason })}
            <span class="rule-text"> ${form.rules.find((rule) => rule.id === one.rule)?.text}</span></p>`)}
        ${form.sections.map((section) => {
            const items = section.items.filter(isThere);
            return items.length > 0 && html`<${DataTable} key=${section.id} caption=${section.title} columns=${columns}
                rows=${items} rowKey="id" class="answers" />`;
        })}`;
}
