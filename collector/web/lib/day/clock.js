// SPDX-License-Identifier: GPL-3.0-or-later
// How long there is until something, in words.
import { daysBetween, formatDate, formatInstant } from '../format.js';
import { t } from '../i18n.js';
import { StateBadge } from '../ui.js';
import { html } from '../vendor.js';

const HOUR_MS = 3600000;
const DAY_HOURS = 24;

// Whole hours (below two days) or days, rounded towards now; `over` when the instant has passed.
export function timeLeft(until, now = Date.now()) {
    const ms = Date.parse(until) - now;
    const hours = Math.floor(Math.abs(ms) / HOUR_MS);
    const isLong = hours >= 2 * DAY_HOURS;
    return { over: ms < 0, unit: isLong ? 'days' : 'hours', n: isLong ? Math.floor(hours / DAY_HOURS) : hours };
}

// Of a serious event's clock: "19 hours left", "over since 2 days".
export function ClockBadge({ until, now = Date.now() }) {
    const { over, unit, n } = timeLeft(until, now);
    const isNear = unit === 'hours' && n < DAY_HOURS;
    return html`<span><${StateBadge} state=${over ? 'overdue' : 'waiting'} kind=${over || isNear ? 'danger' : 'warning'}
        label=${t(`clock.${over ? 'over' : 'left'}_${unit}`, { n })} /> <span class="small quiet">${
        t('clock.until', { time: formatInstant(until) })}</span></span>`;
}

// What a window means today: "ends in 3 days", "ended 12 days ago".
export function windowWords({ from, to }, today) {
    if (from && today < from)
        return t('clock.begins', { n: daysBetween(today, from) });
    if (!to)
        return '';
    const left = daysBetween(today, to);
    if (left === 0)
        return t('clock.ends_today');
    return left > 0 ? t('clock.ends', { n: left }) : t('clock.ended', { n: -left });
}

export function windowDates({ from, to }) {
    if (from && to)
        return t('ui.from_to', { from: formatDate(from), to: formatDate(to) });
    return from ? t('day.from', { date: formatDate(from) }) : '';
}
