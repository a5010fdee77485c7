// SPDX-License-Identifier: GPL-3.0-or-later
// A score of both knees over time: a line for each, its values beside the points, and the same as a table.
import { formatDate, formatNumber } from '../format.js';
import { t } from '../i18n.js';
import { link } from '../router.js';
import { DataTable } from '../ui.js';
import { html } from '../vendor.js';
import { monthTicks, timeScale } from './course.js';

const WIDTH = 460, HEIGHT = 250, LEFT = 48, RIGHT = 444, TOP = 26, BOTTOM = 206;
const KNEES = ['right', 'left'];

function yTicks([low, high]) {
    return Array.from({ length: 5 }, (_, i) => low + (high - low) * i / 4);
}

function Points({ points, x, y, knee }) {
    return points.map((point) => {
        const [cx, cy] = [x(point.date), y(point.value)];
        return html`<g key=${point.id}>
            ${knee === 'right' ? html`<circle cx=${cx} cy=${cy} r="4" />`
                : html`<rect x=${cx - 4} y=${cy - 4} width="8" height="8" />`}
            <text class="value" x=${cx} y=${knee === 'right' ? cy - 8 : cy + 17} text-anchor="middle">${
                formatNumber(point.value, 0)}</text></g>`;
    });
}

function Axes({ x, y, range, label }) {
    return html`
        ${yTicks(range).map((value) => html`<g class="tick" key=${value}>
            <line x1=${LEFT} x2=${RIGHT} y1=${y(value)} y2=${y(value)} />
            <text x=${LEFT - 6} y=${y(value) + 4} text-anchor="end">${formatNumber(value, 0)}</text></g>`)}
        ${monthTicks(x.from, x.to, 5).map((tick) => html`<text key=${tick} x=${x(tick)} y=${BOTTOM + 18}
            text-anchor="middle">${formatDate(tick.slice(0, 7))}</text>`)}
        <line class="axis" x1=${LEFT} x2=${RIGHT} y1=${BOTTOM} y2=${BOTTOM} />
        <text x="2" y="13">${label}</text>
        <text x=${(LEFT + RIGHT) / 2} y=${HEIGHT - 6} text-anchor="middle">${t('plot.time')}</text>`;
}

// points [{date, knee, value, id}]; score {title, range [low, high], direction}
function Picture({ id, points, score }) {
    const x = timeScale(points.map((point) => point.date), LEFT + 16, RIGHT - 16);
    const [low, high] = score.range;
    const y = (value) => BOTTOM - (BOTTOM - TOP - 10) * (value - low) / (high - low);
    const way = t(`plot.${score.direction}`);
    return html`
        <svg class="picture plot" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img"
             aria-labelledby=${`${id}-title ${id}-text`}>
            <title id=${`${id}-title`}>${score.title}</title>
            <desc id=${`${id}-text`}>${t('plot.description', { n: points.length, from: formatDate(x.from),
                                                             to: formatDate(x.to), way })}</desc>
            <${Axes} x=${x} y=${y} range=${score.range} label=${t('plot.unit', { way })} />
            ${KNEES.map((knee) => {
                const own = points.filter((point) => point.knee === knee);
                return own.length > 0 && html`<g key=${knee} class=${`series series-${knee}`}>
                    <polyline points=${own.map((point) => `${x(point.date)},${y(point.value)}`).join(' ')} />
                    <${Points} points=${own} x=${x} y=${y} knee=${knee} /></g>`;
            })}
        </svg>`;
}

// One row a date and visit, with the value of each knee.
export function rowsOf(points) {
    const rows = new Map();
    for (const point of points) {
        const key = `${point.date} ${point.visit}`;
        rows.set(key, { key, date: point.date, visit: point.visit, ...rows.get(key), [point.knee]: point });
    }
    return [...rows.values()];
}

export function ScorePlot({ study, id, points, score, visitTitle }) {
    const knees = KNEES.filter((knee) => points.some((point) => point.knee === knee));
    const legend = html`<p class="plot-legend">${knees.map((knee) => html`<span key=${knee}
        class=${`legend-${knee}`}><svg viewBox="0 0 30 12" width="30" height="12" aria-hidden="true" class=${
            `series series-${knee}`}><polyline points="1,6 29,6" />${knee === 'right'
            ? html`<circle cx="15" cy="6" r="4" />` : html`<rect x="11" y="2" width="8" height="8" />`}</svg> ${
            t(`plot.knee_${knee}`)}</span>`)}</p>`;
    return html`<div class="plot-pair">
        <figure><figcaption>${score.title}</figcaption>${legend}
            <${Picture} id=${id} points=${points} score=${score} /></figure>
        <${DataTable} caption=${score.title} rows=${rowsOf(points)} rowKey="key" columns=${[
            { key: 'visit', title: t('ui.visit'), render: (row) => visitTitle(row.visit) },
            { key: 'date', title: t('day.date'), render: (row) => formatDate(row.date) },
            ...knees.map((knee) => ({
                key: knee, title: t(`plot.knee_${knee}`), align: 'right',
                render: (row) => row[knee] && html`<a href=${link(study, 'records', row[knee].id)}>${
                    formatNumber(row[knee].value, 1)}</a>`,
            })),
        ]} /></div>`;
}
