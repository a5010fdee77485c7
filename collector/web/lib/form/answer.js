// SPDX-License-Identifier: GPL-3.0-or-later
// One value against its item, as the server reads it (forms/answer.c): what was typed becomes an answer, or a problem.
// Decimals stay the text that was typed; numbers are only computed from it for comparisons.

import {dateInterval, parsePartialDate} from './dates.js';

export const declineReasons = ['refused', 'not_done', 'unknown', 'not_applicable', 'illegible'];

const LARGEST = 2 ** 53;
const DECIMALS_DEFAULT = 2;
const LENGTH_DEFAULT = 1000;
const CONTROL = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/u;
const BLANK = new RegExp('[\\u0009-\\u000D\\u001C-\\u0020\\u0085\\u00A0\\u00AD\\u1680\\u180E\\u2000-\\u200F'
    + '\\u2028-\\u202F\\u205F\\u2060\\u3000\\uFEFF]', 'gu');

export function hasNumberCodes(item) {
    return item.type === 'choice' && item.choices.every((choice) => typeof choice.code === 'number');
}

export function isNumber(item) {
    return item.type === 'integer' || item.type === 'decimal' || hasNumberCodes(item);
}

// Characters that are not blank, as the server counts them.
export function countVisible(text) {
    return [...text.replace(BLANK, '')].length;
}

// A reason for change or for standing by an unusual value: 5 to 1000 characters, no control characters.
export function isReason(text) {
    const normal = (text ?? '').normalize('NFC');
    return !CONTROL.test(normal) && countVisible(normal) >= 5 && [...normal].length <= 1000;
}

function refuse(rule, key, values = {}) {
    return {problem: {rule, key, values}};
}

// Why a text is no number as Patella writes them: the key of a message, null when it is one.
function numberComplaint(text) {
    const digits = text.startsWith('-') ? text.slice(1) : text;
    if (text.includes(','))
        return 'number_comma';
    if (/^\.\d/.test(digits))
        return 'number_point';
    if (/^\d+[eE]/.test(digits))
        return 'number_exponent';
    if (!/^\d{1,18}(\.\d{1,18})?$/.test(digits))
        return 'number';
    if (/^0\d/.test(digits))
        return 'number_zeros';
    return text.startsWith('-') && Number(text) === 0 ? 'number_zero' : null;
}

function checkRange(item, number) {
    const {min = null, max = null} = item;
    const values = {min, max, unit: item.unit ?? ''};
    if (!(min !== null && number < min) && !(max !== null && number > max))
        return null;
    if (min === null)
        return refuse('range', 'range_above', values);
    return max === null ? refuse('range', 'range_below', values) : refuse('range', 'range', values);
}

function readNumber(item, text) {
    const complaint = numberComplaint(text);
    if (complaint !== null)
        return refuse('type', complaint);
    const decimals = item.decimals ?? DECIMALS_DEFAULT;
    if (item.type === 'integer' && text.includes('.'))
        return refuse('type', 'whole_number');
    if (text.includes('.') && text.split('.')[1].length > decimals)
        return refuse('decimals', 'decimals', {n: decimals});
    const number = Number(text);
    if (Math.abs(number) > LARGEST)
        return refuse('range', 'range_largest');
    return checkRange(item, number) ?? {text, number, value: {low: number, high: number}};
}

function readChoice(item, text) {
    const choice = item.choices.find((one) => String(one.code) === text);
    if (choice === undefined)
        return refuse('choice', 'choice');
    if (!hasNumberCodes(item))
        return {text, value: {text}};
    return {text, number: choice.code, value: {low: choice.code, high: choice.code}};
}

function readDate(item, text) {
    const date = parsePartialDate(text);
    if (date === null)
        return refuse('type', item.type === 'date' ? 'date' : 'partial_date');
    if (item.type === 'date' && date.day === 0)
        return refuse('type', 'date_part');
    return {text, value: dateInterval(date)};
}

function readText(item, sent) {
    const text = sent.normalize('NFC');
    const length = [...text].length;
    const most = item.max_length ?? LENGTH_DEFAULT;
    if (CONTROL.test(text))
        return refuse('control', 'control');
    if (countVisible(text) === 0)
        return refuse('type', 'blank');
    return length > most ? refuse('length', 'length', {n: length, most}) : {text, value: {text}};
}

function readBoolean(item, text) {
    if (text !== 'true' && text !== 'false')
        return refuse('type', 'boolean');
    return {text, value: {truth: text === 'true'}};
}

const readers = {
    choice: readChoice, integer: readNumber, decimal: readNumber, date: readDate, partial_date: readDate,
    text: readText, boolean: readBoolean,
};

// False when a JSON value is of a kind that the item does not take; texts are taken for every type.
function takesKind(item, value) {
    if (typeof value === 'number')
        return Number.isInteger(value) && isNumber(item);
    return typeof value === 'string' || (typeof value === 'boolean' && item.type === 'boolean');
}

// value: what was typed or chosen (text, number or boolean); null, undefined and '' are no answer.
// Returns null for no answer, {problem: {rule, key, values}} (`key` names a message under "check."), or the answer:
// {text: as it is stored, number: of numbers, value: for evaluateExpression}.
export function readAnswer(item, value) {
    if (value === null || value === undefined || value === '')
        return null;
    if (!takesKind(item, value))
        return refuse('type', 'kind');
    return readers[item.type](item, String(value));
}

// Which end of the soft range an answer lies outside: 'low', 'high' or null.
export function unusual(item, answer) {
    if (answer?.number === undefined)
        return null;
    if (item.warn_min !== undefined && item.warn_min !== null && answer.number < item.warn_min)
        return 'low';
    return item.warn_max !== undefined && item.warn_max !== null && answer.number > item.warn_max ? 'high' : null;
}

// The answer as it is sent: whole numbers and truth as JSON, decimals and all else as the text that was typed.
export function toJson(item, answer) {
    if (item.type === 'boolean')
        return answer.text === 'true';
    return item.type === 'integer' || hasNumberCodes(item) ? Number(answer.text) : answer.text;
}
