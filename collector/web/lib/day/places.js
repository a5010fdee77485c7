// SPDX-License-Identifier: GPL-3.0-or-later
// Where the forms of a subject are entered and seen, and how they are called.
import { t } from '../i18n.js';
import { link } from '../router.js';
import { session } from '../session.js';

// Where the form is entered, gone on with, or seen; null where this role may not.
export function formHref(study, subject, visit, form) {
    if (form.state === 'done' && form.id)
        return link(study, 'records', form.id);
    if (!session.can('submit'))
        return null;
    if (form.state === 'draft' && form.id)
        return link(study, 'entry', form.id);
    return entryHref(study, { subject, form: form.form, visit, knee: form.knee });
}

export function entryHref(study, query) {
    return link(study, 'entry', 'NEW', query);
}

// "Knee injury ... Score (KOOS)" -> "KOOS", where there is little room.
export function shortTitle(title) {
    return /\(([^()]{2,12})\)$/.exec(title)?.[1] ?? title;
}

// "KOOS, right"
export function formName(form) {
    const title = shortTitle(form.title ?? form.form);
    return form.knee && form.knee !== 'none' ? t('day.form_of_knee', { form: title, knee: t(`knee.${form.knee}`) })
        : title;
}

export function kneeName(knee) {
    return knee && knee !== 'none' ? t(`knee.${knee}`) : '';
}
