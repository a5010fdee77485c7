// SPDX-License-Identifier: GPL-3.0-or-later
// Dates of forms: plain days of the calendar, whole or in part ("2026", "2026-03", "2026-03-01"), never a time zone.
// The years are those that the server takes (forms/base/date.c).

const FIRST_YEAR = 1850;
const LAST_YEAR = 2199;
const DAY_MS = 86400000;

function daysInMonth(year, month) {
    return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

// Days since 1970-01-01, or null when there is no such day.
export function dayNumber(year, month, day) {
    if (!(year >= FIRST_YEAR && year <= LAST_YEAR && month >= 1 && month <= 12))
        return null;
    if (!(day >= 1 && day <= daysInMonth(year, month)))
        return null;
    return Date.UTC(year, month - 1, day) / DAY_MS;
}

// {year, month, day} of "YYYY", "YYYY-MM" or "YYYY-MM-DD", 0 for what is not said; null when it is no date.
export function parsePartialDate(text) {
    const match = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/.exec(text);
    if (match === null)
        return null;
    const [year, month, day] = [match[1], match[2] ?? '0', match[3] ?? '0'].map(Number);
    const monthIsWrong = match[2] !== undefined && month === 0;
    const dayIsWrong = match[3] !== undefined && day === 0;
    if (monthIsWrong || dayIsWrong || dayNumber(year, month || 1, day || 1) === null)
        return null;
    return {year, month, day};
}

// The first and the last day that a date which is known in part may be: {low, high}, days since 1970-01-01.
export function dateInterval(date) {
    const month = date.month || 12;
    return {
        low: dayNumber(date.year, date.month || 1, date.day || 1),
        high: dayNumber(date.year, month, date.day || daysInMonth(date.year, month)),
    };
}
