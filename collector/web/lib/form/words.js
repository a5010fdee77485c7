// SPDX-License-Identifier: GPL-3.0-or-later
// What a form says in words: problems, answers, reasons.
import { formatDate, formatNumber } from '../format.js';
import { t } from '../i18n.js';

// By the `key` of a problem that the page found itself (answer.js, check.js).
const CHECKS = {
    blank: 'check.blank', boolean: 'check.boolean', choice: 'check.choice', control: 'check.control',
    confirmed_nothing: 'check.confirmed_nothing', confirmed_twice: 'check.confirmed_twice',
    confirmed_unknown: 'check.confirmed_unknown', date: 'check.date', date_part: 'check.date_part',
    decimals: 'check.decimals', decline_and_value: 'check.decline_and_value', decline_reason: 'check.decline_reason',
    form_date_future: 'check.form_date_future', form_date_required: 'check.form_date_required', kind: 'check.kind',
    length: 'check.length', number: 'check.number', number_comma: 'check.number_comma',
    number_exponent: 'check.number_exponent', number_point: 'check.number_point', number_zero: 'check.number_zero',
    number_zeros: 'check.number_zeros', partial_date: 'check.partial_date', range: 'check.range',
    range_above: 'check.range_above', range_below: 'check.range_below', range_largest: 'check.range_largest',
    reason: 'check.reason', required: 'check.required', required_always: 'check.required_always',
    required_value: 'check.required_value', skipped: 'check.skipped', soft_above: 'check.soft_above',
    soft_below: 'check.soft_below', unknown_item: 'check.unknown_item', whole_number: 'check.whole_number',
};

const REASONS = {
    refused: 'form.refused', not_done: 'form.not_done', unknown: 'form.unknown',
    not_applicable: 'form.not_applicable', illegible: 'form.illegible',
};

// What stands beside the field: the form's or the server's own words, or ours by rule.
export function problemText(problem) {
    if (problem.text)
        return problem.text;
    const values = Object.entries(problem.values ?? {})
        .map(([name, value]) => [name, typeof value === 'number' && name !== 'n' ? formatNumber(value) : value]);
    return t(CHECKS[problem.key], Object.fromEntries(values)).replace(/ ([.,;])/g, '$1');
}

export function reasonText(reason) {
    return REASONS[reason] ? t(REASONS[reason]) : reason;
}

// "P1 pain on stairs"
export function itemLabel(item) {
    return item.code ? `${item.code} ${item.text}` : item.text;
}

// A decimal is shown digit by digit as it was sent, with the reader's decimal mark.
function decimalText(text) {
    const mark = formatNumber(1.5, 1).charAt(1);
    return String(text).replace('.', mark);
}

// "0 none"; no codes on an item for subjects (item.plain), who have no paper to compare them with.
export function choiceText(item, { code, label }) {
    return typeof code === 'number' && !item.plain ? `${code} ${label}` : label;
}

export function valueText(item, value) {
    const choice = item.choices?.find((one) => String(one.code) === String(value));
    if (choice)
        return choiceText(item, choice);
    if (item.type === 'boolean')
        return String(value) === 'true' ? t('form.yes') : t('form.no');
    if (item.type === 'date' || item.type === 'partial_date')
        return formatDate(String(value));
    const text = item.type === 'decimal' ? decimalText(value) : String(value);
    return item.unit ? `${text} ${item.unit}` : text;
}

// answer: as answerIn() of engine.js gives it; '' for none.
export function answerText(item, answer) {
    if (answer === null)
        return '';
    return 'value' in answer ? valueText(item, answer.value) : reasonText(answer.declined);
}
