// SPDX-License-Identifier: GPL-3.0-or-later
// Dates and numbers as the reader writes them.  Dates of forms are 'YYYY-MM-DD' and no instants: no time zone ever
// touches them.
import { language } from './i18n.js';

const DAY_MS = 86400000;
const formats = new Map();

function dateFormat(options) {
    const key = language.value.locale + JSON.stringify(options);
    if (!formats.has(key))
        formats.set(key, new Intl.DateTimeFormat(language.value.locale, options));
    return formats.get(key);
}

function toUtc(date) {
    const [year, month = 1, day = 1] = date.split('-').map(Number);
    return Date.UTC(year, month - 1, day);
}

function fromUtc(ms) {
    return new Date(ms).toISOString().slice(0, 10);
}

// '2026-03-01' -> "1 Mar 2026"; of a partial date ('2026-03', '2026') what is known; '' for null.
export function formatDate(date) {
    if (!date)
        return '';
    const options = { year: 'numeric', timeZone: 'UTC' };
    if (date.length >= 7)
        options.month = 'short';
    if (date.length >= 10)
        options.day = 'numeric';
    return dateFormat(options).format(toUtc(date));
}

// An instant (RFC 3339 or milliseconds) as date and time on the reader's clock; '' for null.
export function formatInstant(instant) {
    if (instant === null || instant === undefined)
        return '';
    return dateFormat({ dateStyle: 'medium', timeStyle: 'short' }).format(new Date(instant));
}

// Time of day of today's instants, date and time of others.
export function formatTime(instant) {
    const at = new Date(instant);
    const isToday = at.toDateString() === new Date().toDateString();
    return isToday ? dateFormat({ timeStyle: 'short' }).format(at) : formatInstant(instant);
}

// `digits` after the decimal point; without it as many as the number has, three at most.  '' for null.
export function formatNumber(number, digits) {
    if (number === null || number === undefined || number === '')
        return '';
    const options = digits === undefined ? { maximumFractionDigits: 3 }
        : { minimumFractionDigits: digits, maximumFractionDigits: digits };
    return new Intl.NumberFormat(language.value.locale, options).format(Number(number));
}

// Bytes as kB, MB or GB of 1000.
export function formatBytes(bytes) {
    const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];
    let size = bytes;
    let unit = 0;
    for (; size >= 1000 && unit < units.length - 1; unit++)
        size /= 1000;
    return new Intl.NumberFormat(language.value.locale, {
        style: 'unit', unit: units[unit], unitDisplay: unit === 0 ? 'long' : 'short',
        maximumFractionDigits: size < 10 && unit > 0 ? 1 : 0,
    }).format(size);
}

// The twelve names of the months, short or long, in the reader's language.
export function monthNames(style = 'short', locale = language.value.locale) {
    const format = new Intl.DateTimeFormat(locale, { month: style, timeZone: 'UTC' });
    return Array.from({ length: 12 }, (_, month) => format.format(Date.UTC(2001, month, 1)));
}

function plainName(text) {
    return text.normalize('NFD').replace(/[\u0300-\u036f.]/g, '').toLowerCase();
}

// "3", "mar", "März" -> 3; null for what is no month, or could be two.
function parseMonth(text) {
    if (/^\d{1,2}$/.test(text))
        return Number(text);
    const wanted = plainName(text);
    if (wanted.length < 3)
        return null;
    const found = new Set();
    for (const locale of [language.value.locale, 'en'])
        for (const style of ['short', 'long'])
            monthNames(style, locale).forEach((name, month) => {
                if (plainName(name).startsWith(wanted) || wanted === plainName(name))
                    found.add(month + 1);
            });
    return found.size === 1 ? [...found][0] : null;
}

// Three texts as they were typed -> 'YYYY-MM-DD', or null when they are no date.  The year has four digits: two could
// mean either century, which a patient's birth makes a difference for.
export function parseDate(day, month, year) {
    const [d, m, y] = [day, month, year].map((text) => String(text ?? '').trim().replace(/\.$/, ''));
    if (!/^\d{1,2}$/.test(d) || !/^\d{4}$/.test(y))
        return null;
    const monthNumber = parseMonth(m);
    if (monthNumber === null || monthNumber < 1 || monthNumber > 12)
        return null;
    const at = new Date(0);
    at.setUTCFullYear(Number(y), monthNumber - 1, Number(d));
    return at.getUTCMonth() === monthNumber - 1 && Number(d) > 0 ? fromUtc(at.getTime()) : null;
}

// Days from date a to date b, negative when b is earlier.
export function daysBetween(a, b) {
    return Math.round((toUtc(b) - toUtc(a)) / DAY_MS);
}

export function addDays(date, days) {
    return fromUtc(toUtc(date) + days * DAY_MS);
}
