// SPDX-License-Identifier: GPL-3.0-or-later
// The subject's own page: the form of a link, one question a page.  It shows that form and nothing else.
import { confirmFinding, confirmationOf, contentOf, declineItem, newEntry, setAnswer, viewOf }
    from './lib/form/engine.js';
import { problemText } from './lib/form/words.js';
import { LANGUAGES, loadLanguage, preferredLanguage, t } from './lib/i18n.js';
import { forgetToken, keepAnswers, openLink, sendAnswers, takeToken } from './lib/participant/link.js';
import { DeadLink, Question, Review, Start, Thanks } from './lib/participant/pages.js';
import { html, render, useRef, useState } from './lib/vendor.js';

function todayHere() {
    const now = new Date();
    const two = (number) => String(number).padStart(2, '0');
    return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

function entryOf(link) {
    return {
        ...newEntry(link.form, { knee: link.knee }, todayHere()), answers: link.answers,
        not_answered: link.not_answered, confirmed: link.confirmed, section: link.section,
    };
}

function itemsOf(form, entry) {
    return viewOf(form, entry, todayHere()).sections.flatMap((section) => section.items);
}

// Keeps what was answered, one request after the other; says how the last one went.  What another page has kept in
// between is shown instead, by onStored.
function useKeeping(token, link, onStored, onDead) {
    const revision = useRef(link.revision);
    const line = useRef(Promise.resolve());
    const [state, setState] = useState('kept');
    const loadStored = async () => {
        const stored = await openLink(token);
        revision.current = stored.revision;
        onStored(stored);
        setState('replaced');
    };
    const fail = (problem) => (problem.status === 401 || problem.status === 410 || problem.status === 423
        ? onDead(problem) : setState('failed'));
    const keepNow = async ({ answers, not_answered: declined, confirmed, section }) => {
        try {
            const kept = await keepAnswers(token, {
                answers, not_answered: declined, confirmed, section, revision: revision.current,
            });
            revision.current = kept.revision;
            setState('kept');
        } catch (problem) {
            if (problem.code === 'draft_changed')
                await loadStored().catch(fail);
            else
                fail(problem);
        }
    };
    const keep = (entry) => {
        line.current = line.current.then(() => keepNow(entry));
    };
    return [state, keep];
}

function hardOf(view, item) {
    const problem = view.hard.find((one) => one.item === item.id);
    return problem ? problemText(problem) : undefined;
}

// The last page: what is found once more, why that is right, and sending.
function useReviewing({ token, form, entry, view, items, go, setEntry, setShown, setStep }) {
    const [more, setMore] = useState([]);
    const [busy, setBusy] = useState(false);
    const refuse = (problems) => setShown({ error: undefined, problems: problems.map((problem) => ({
        id: problem.item ? `change-${problem.item}` : 'participant', text: problemText(problem) })) });
    const findings = [...view.soft, ...more.filter((one) => !view.soft.some(
        (soft) => soft.rule === one.rule && soft.item === one.item))];
    const reviewing = {
        change: (at) => go('question', at),
        back: () => go('question', items.length - 1),
        confirm: (finding, text) => setEntry(confirmFinding(entry, finding, text)),
        send: async () => {
            const bare = findings.findIndex((finding) => confirmationOf(entry, finding).trim() === '');
            if (view.hard.length > 0) {
                refuse(view.hard);
                return;
            }
            if (bare >= 0) {
                setShown({ error: undefined, problems: [{ id: `finding-${bare}`, text: t('participant.say_why') }] });
                return;
            }
            setBusy(true);
            try {
                await sendAnswers(token, contentOf(form, entry, todayHere(), more));
                forgetToken();
                go('thanks');
            } catch (problem) {
                if (problem.status === 422) {
                    setMore(problem.problems.filter((one) => one.soft));
                    refuse(problem.problems);
                } else if (problem.status === 0 || problem.status >= 500) {
                    setShown({ error: undefined, problems: [{ id: 'participant', text: t('participant.try_again') }] });
                } else {
                    setStep({ page: 'dead', problem });
                }
            }
            setBusy(false);
        },
    };
    return { busy, findings, reviewing, more };
}

function Filling({ token, link }) {
    const [entry, setEntry] = useState(() => entryOf(link));
    const [step, setStep] = useState({ page: 'start', place: 0 });
    const [shown, setShown] = useState({ error: undefined, problems: [] });
    const { form } = link;
    const view = viewOf(form, entry, todayHere());
    const items = view.sections.flatMap((section) => section.items);
    const place = Math.min(step.place, items.length - 1);
    const item = items[place];
    const go = (page, next = 0) => { setShown({ error: undefined, problems: [] }); setStep({ page, place: next }); };
    const firstOpen = (given) => {
        const all = itemsOf(form, given);
        const open = all.findIndex(({ id }) => !(id in given.answers) && !(id in given.not_answered));
        return open < 0 ? all.length - 1 : open;
    };
    const showStored = (stored) => {
        const kept = entryOf({ ...stored, form });
        setEntry(kept);
        go('question', firstOpen(kept));
    };
    const [saving, keep] = useKeeping(token, link, showStored, (problem) => setStep({ page: 'dead', problem }));

    const answering = {
        answer: (id, value) => setEntry(setAnswer(form, entry, id, value)),
        decline: (id, reason) => setEntry(declineItem(form, entry, id, reason)),
        back: () => (place === 0 ? go('start') : go('question', place - 1)),
        next: () => {
            const isFilled = item.id in entry.answers || item.id in entry.not_answered;
            const error = hardOf(view, item) ?? (isFilled ? undefined : t('participant.answer_or_say'));
            if (error !== undefined) {
                setShown({ error, problems: [] });
                return;
            }
            keep(entry);
            if (place + 1 < items.length)
                go('question', place + 1);
            else
                go('review');
        },
    };

    const { busy, findings, reviewing, more } = useReviewing({
        token, form, entry, view, items, go, setEntry, setShown, setStep,
    });

    if (step.page === 'dead')
        return html`<${DeadLink} problem=${step.problem} />`;
    if (step.page === 'thanks')
        return html`<${Thanks} />`;
    if (step.page === 'start')
        return html`<${Start} link=${link} isBegun=${link.revision > 0}
            onStart=${() => go('question', firstOpen(entry))} />`;
    if (step.page === 'review')
        return html`<${Review} items=${items} content=${contentOf(form, entry, todayHere(), more)}
            problems=${shown.problems} findings=${findings} busy=${busy} saving=${saving} actions=${reviewing}
            reasonOf=${(finding) => confirmationOf(entry, finding)} />`;
    const section = view.sections.find((one) => one.items.includes(item));
    return html`<${Question} item=${item} place=${place + 1} total=${items.length} section=${section.title}
        knee=${link.knee} entry=${entry} error=${shown.error} saving=${saving} actions=${answering} />`;
}

// Codes of items and choices are for those who enter paper.
function withoutCodes(form) {
    const bare = (item) => ({ ...item, code: undefined, plain: true });
    return { ...form, sections: form.sections.map((section) => ({ ...section, items: section.items.map(bare) })) };
}

function languageOf(link) {
    const wanted = link.language?.split('-')[0];
    return LANGUAGES.some(([code]) => code === wanted) ? wanted : preferredLanguage();
}

async function begin() {
    const place = document.getElementById('participant');
    const token = takeToken();
    try {
        if (!token)
            throw Object.assign(new Error('no token'), { status: 401 });
        const link = await openLink(token);
        await loadLanguage(languageOf(link));
        render(html`<${Filling} token=${token} link=${{ ...link, form: withoutCodes(link.form) }} />`, place);
    } catch (problem) {
        await loadLanguage(preferredLanguage());
        render(html`<${DeadLink} problem=${problem} />`, place);
    }
}

addEventListener('hashchange', () => location.hash !== '' && location.reload());
begin();
