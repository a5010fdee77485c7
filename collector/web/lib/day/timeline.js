// SPDX-License-Identifier: GPL-3.0-or-later
// A subject's course as a picture, a lane for each knee and one for the subject, and the same as a table.
import { formatDate } from '../format.js';
import { hasText, t } from '../i18n.js';
import { link } from '../router.js';
import { DataTable, Empty } from '../ui.js';
import { html } from '../vendor.js';
import { SUBJECT_LANE, monthTicks, timeScale } from './course.js';
import { kneeName } from './places.js';

const WIDTH = 720, LEFT = 74, RIGHT = 706, LANE = 46, TOP = 8, APART = 20;
const LANES = ['right', 'left', SUBJECT_LANE];
const SHAPES = { treatment: 'treatment', replacement: 'replacement', joint_event: 'replacement',
                 serious_event: 'serious', event: 'event' };

export function eventTitle(event) {
    if (event.kind === 'visit')
        return event.title;
    const word = hasText(`course.${event.kind}`) ? t(`course.${event.kind}`) : event.kind;
    return event.detail ? t('course.with_words', { what: word, words: event.detail }) : word;
}

function Mark({ shape, x, y, number }) {
    const isTriangle = shape === 'serious' || shape === 'event';
    const shapes = {
        treatment: html`<path d=${`M${x} ${y - 10} l10 10 l-10 10 l-10 -10 z`} />`,
        replacement: html`<rect x=${x - 9} y=${y - 9} width="18" height="18" />`,
        serious: html`<path d=${`M${x} ${y - 11} l11 19 h-22 z`} />`,
        event: html`<path d=${`M${x} ${y - 11} l11 19 h-22 z`} />`,
    };
    return html`<g class=${`mark mark-${shape ?? 'visit'}`}>${shapes[shape] ?? html`<circle cx=${x} cy=${y} r="9" />`}
        <text x=${x} y=${y + (isTriangle ? 6 : 4)} text-anchor="middle">${number}</text></g>`;
}

// Marks that would cover each other move to the right; the axis stays what it is.
function placeMarks(events, scale) {
    const last = {};
    return events.map((event, i) => {
        const x = Math.max(scale(event.date), (last[event.knee] ?? -Infinity) + APART);
        last[event.knee] = x;
        return { event, x: Math.min(x, RIGHT), number: i + 1 };
    });
}

function Picture({ events, today }) {
    const scale = timeScale([...events.map((event) => event.date), today], LEFT + 14, RIGHT - 14);
    const height = TOP + LANES.length * LANE + 24;
    const axis = height - 20;
    return html`
        <svg class="picture timeline" viewBox=${`0 0 ${WIDTH} ${height}`} role="img"
             aria-labelledby="timeline-title timeline-text">
            <title id="timeline-title">${t('course.title')}</title>
            <desc id="timeline-text">${t('course.description', { n: events.length, from: formatDate(scale.from),
                                                                to: formatDate(scale.to) })}</desc>
            ${LANES.map((lane, i) => html`<g key=${lane}>
                <line class="lane" x1=${LEFT} x2=${RIGHT} y1=${TOP + LANE * (i + 0.5)} y2=${TOP + LANE * (i + 0.5)} />
                <text x="0" y=${TOP + LANE * (i + 0.5) + 4}>${t(`course.lane_${lane}`)}</text></g>`)}
            ${monthTicks(scale.from, scale.to).map((tick) => html`<g key=${tick} class="tick">
                <line x1=${scale(tick)} x2=${scale(tick)} y1=${TOP} y2=${axis} />
                <text x=${scale(tick)} y=${height - 5} text-anchor="middle">${
                    formatDate(tick.slice(0, 7))}</text></g>`)}
            ${placeMarks(events, scale).map(({ event, x, number }) => html`<${Mark} key=${number} number=${number}
                shape=${SHAPES[event.kind]} x=${x} y=${TOP + LANE * (LANES.indexOf(event.knee) + 0.5)} />`)}
        </svg>`;
}

function Dates({ event }) {
    return event.until && event.until !== event.date
        ? t('ui.from_to', { from: formatDate(event.date), to: formatDate(event.until) }) : formatDate(event.date);
}

function What({ study, event }) {
    const title = eventTitle(event);
    if (event.kind === 'visit')
        return html`<span>${title} <span class="quiet">(${t('day.forms_n', { n: event.count })})</span></span>`;
    return html`<a href=${link(study, 'records', event.id)}>${title}</a>`;
}

export function Timeline({ study, events, today }) {
    if (events.length === 0)
        return html`<${Empty}>${t('course.none')}<//>`;
    const rows = events.map((event, i) => ({ ...event, number: i + 1 }));
    return html`
        <div class="wide-table" tabindex="0" role="region" aria-label=${t('course.picture')}>
            <${Picture} events=${events} today=${today} /></div>
        <${DataTable} caption=${t('course.table')} rows=${rows} rowKey="number" columns=${[
            { key: 'number', title: t('course.number') },
            { key: 'date', title: t('day.date'), render: (event) => html`<${Dates} event=${event} />` },
            { key: 'what', title: t('course.what'), render: (event) => html`<${What} study=${study}
                event=${event} />` },
            { key: 'knee', title: t('ui.knee'), render: (event) => kneeName(event.knee) },
        ]} />`;
}
