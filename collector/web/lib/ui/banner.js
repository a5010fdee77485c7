// SPDX-License-Identifier: GPL-3.0-or-later
import { formatDate } from '../format.js';
import { t } from '../i18n.js';
import { html, useEffect, useRef } from '../vendor.js';

// Whatever takes the focus is scrolled to below the banner (WCAG 2.4.11).
function useScrollPadding(box) {
    useEffect(() => {
        const root = document.documentElement;
        const measure = () => {
            const isSticky = getComputedStyle(box.current).position === 'sticky';
            root.style.scrollPaddingTop = isSticky ? `${box.current.offsetHeight + 12}px` : '';
        };
        const watch = new ResizeObserver(measure);
        watch.observe(box.current);
        return () => {
            watch.disconnect();
            root.style.scrollPaddingTop = '';
        };
    }, []);
}

function Fact({ name, children }) {
    return children ? html`<div><dt>${name}</dt><dd>${children}</dd></div>` : null;
}

// Who this is about, while the page is scrolled.
// knee    'left', 'right' or null; window {from, to}: dates; all but `subject` may be left out
export function SubjectBanner({ subject, site, knee, cohort, visit, window: dates, children }) {
    const box = useRef(null);
    useScrollPadding(box);
    return html`
        <div class="subject-banner" ref=${box} role="region" aria-label=${t('ui.subject')}>
            <dl>
                <${Fact} name=${t('ui.subject')}><strong>${subject}</strong><//>
                <${Fact} name=${t('ui.site')}>${site}<//>
                <${Fact} name=${t('ui.knee')}>${knee && knee !== 'none' && t(`knee.${knee}`)}<//>
                <${Fact} name=${t('ui.cohort')}>${cohort}<//>
                <${Fact} name=${t('ui.visit')}>${visit}<//>
                <${Fact} name=${t('ui.window')}>${dates && t('ui.from_to', {
                    from: formatDate(dates.from), to: formatDate(dates.to) })}<//>
            </dl>
            ${children}
        </div>`;
}
