// SPDX-License-Identifier: GPL-3.0-or-later
// Judges the answers of a form in the browser as the server does (forms/submission_answers.c, submission_rules.c): the
// same rules, beside the same items.  The server judges again: this only says early what it will say.
// Pure: no page, no network, no clock ("today" at the site is a parameter).

import {declineReasons, isReason, readAnswer, unusual} from './answer.js';
import {parsePartialDate} from './dates.js';
import {evaluateExpression, itemsOfExpression} from './expression.js';

// The items of a form in their order.
export function itemsOf(form) {
    return form.sections.flatMap((section) => section.items);
}

function newProblem(item, rule, key, values = {}, soft = false) {
    return {item, rule, soft, key, values, text: null};
}

function isDay(date) {
    return (parsePartialDate(date ?? '')?.day ?? 0) > 0;
}

function checkDate(date, today, problems) {
    if (date === null || date === undefined || date === '')
        problems.push(newProblem('date', 'required', 'form_date_required'));
    else if (!isDay(date))
        problems.push(newProblem('date', 'format', 'date'));
    else if (date > today)
        problems.push(newProblem('date', 'future', 'form_date_future'));
}

// Reads every value; what cannot be read is marked as invalid.
function readValues(judging) {
    for (const [id, value] of Object.entries(judging.entry.answers ?? {})) {
        const item = judging.items.get(id);
        if (item === undefined) {
            judging.problems.push(newProblem(id, 'unknown', 'unknown_item'));
            continue;
        }
        const answer = readAnswer(item, value);
        if (answer?.problem) {
            judging.invalid.add(id);
            judging.problems.push(newProblem(id, answer.problem.rule, answer.problem.key, answer.problem.values));
        } else if (answer !== null) {
            judging.answers.set(id, answer);
            judging.values.set(id, answer.value);
        }
    }
}

function decline(judging, item, reason) {
    const {problems, invalid, answers, declined} = judging;
    const known = declineReasons.includes(reason);
    const hasValue = answers.has(item.id) || invalid.has(item.id);
    if (!known)
        problems.push(newProblem(item.id, 'not_answered', 'decline_reason'));
    else if (hasValue)
        problems.push(newProblem(item.id, 'not_answered', 'decline_and_value'));
    else if (item.must_be_answered)
        problems.push(newProblem(item.id, 'required', 'required_always', {text: item.text}));
    if (!known || hasValue || item.must_be_answered)
        invalid.add(item.id);
    else
        declined.set(item.id, reason);
}

function readDeclined(judging) {
    for (const [id, reason] of Object.entries(judging.entry.not_answered ?? {})) {
        const item = judging.items.get(id);
        if (item === undefined)
            judging.problems.push(newProblem(id, 'unknown', 'unknown_item'));
        else
            decline(judging, item, reason);
    }
}

function namesInvalid(tree, invalid) {
    for (const id of itemsOfExpression(tree))
        if (invalid.has(id))
            return true;
    return false;
}

function forget(judging, id) {
    judging.answers.delete(id);
    judging.values.delete(id);
    judging.declined.delete(id);
}

// Top to bottom: skip logic looks back only, and an item that is skipped counts as not answered.
function checkPresence(judging) {
    const {problems, invalid, answers, declined, states} = judging;
    for (const item of judging.items.values()) {
        if (item.show && namesInvalid(item.show, invalid)) {
            states.set(item.id, 'unknown');
            continue;
        }
        const shown = !item.show || evaluateExpression(item.show, judging.input) === true;
        const isMissing = !answers.has(item.id) && !declined.has(item.id);
        states.set(item.id, shown ? 'shown' : 'hidden');
        if (!shown && (!isMissing || invalid.has(item.id))) {
            problems.push(newProblem(item.id, 'skipped', 'skipped'));
            forget(judging, item.id);
            invalid.add(item.id);
        } else if (shown && item.required && isMissing && !invalid.has(item.id)) {
            const key = item.must_be_answered ? 'required_value' : 'required';
            problems.push(newProblem(item.id, 'required', key, {text: item.text}));
        }
    }
}

function findUnusual(judging, findings) {
    for (const item of judging.items.values()) {
        const end = unusual(item, judging.answers.get(item.id));
        if (end === null)
            continue;
        const bound = end === 'low' ? item.warn_min : item.warn_max;
        const values = {value: judging.answers.get(item.id).text, bound, unit: item.unit ?? ''};
        findings.push(newProblem(item.id, 'soft_range', end === 'low' ? 'soft_below' : 'soft_above', values, true));
    }
}

function evaluateRules(judging, findings) {
    for (const rule of judging.form.rules) {
        if (namesInvalid(rule.check, judging.invalid) || evaluateExpression(rule.check, judging.input) !== false)
            continue;
        const problem = {...newProblem(rule.item ?? null, rule.id, null, {}, rule.soft), text: rule.text};
        (rule.soft ? findings : judging.problems).push(problem);
    }
}

function isSoftCheck(judging, item, rule) {
    if (rule === 'soft_range') {
        const {warn_min: low = null, warn_max: high = null} = judging.items.get(item) ?? {};
        return low !== null || high !== null;
    }
    return judging.form.rules.some((one) => one.soft && one.id === rule && (one.item ?? null) === item);
}

// What was confirmed, held against what was found; `judged`: nothing else is wrong.
function confirm(judging, findings, confirmation, judged) {
    const item = confirmation.item ?? null;
    const same = (finding) => finding.rule === confirmation.rule && finding.item === item;
    const finding = findings.find(same);
    const add = (rule, key) => judging.problems.push(newProblem(item, rule, key));
    if (finding === undefined && !isSoftCheck(judging, item, confirmation.rule))
        add('confirmed', 'confirmed_unknown');
    else if (finding === undefined && judged)
        add('confirmed', 'confirmed_nothing');
    else if (finding?.confirmed)
        add('doubled', 'confirmed_twice');
    else if (!isReason(confirmation.reason))
        add('confirmed', 'reason');
    if (finding !== undefined)
        finding.confirmed = true;
}

function checkRules(judging) {
    const findings = [];
    findUnusual(judging, findings);
    evaluateRules(judging, findings);
    const judged = judging.problems.length === 0;
    for (const confirmation of judging.entry.confirmed ?? [])
        confirm(judging, findings, confirmation, judged);
    for (const finding of findings)
        if (!finding.confirmed)
            judging.problems.push(finding);
    return findings;
}

// form   the definition, as GET .../forms/{form} gives it
// entry  {date, answers: {item: value}, not_answered: {item: reason}, confirmed: [{item, rule, reason}]}, as a
//        submission has them; all but `date` may be left out
// today  'YYYY-MM-DD', the date at the site
// Returns {problems, findings, answers, declined, states}:
//   problems  [{item, rule, soft, key, values, text}]: `text` is the form's own text of a rule, else `key` (under
//             "check.") and `values` say it; soft ones go away with a confirmation
//   findings  every soft finding, confirmed or not
//   answers   Map item -> {text, number, value} of what could be read
//   declined  Map item -> reason
//   states    Map item -> 'shown', 'hidden', or 'unknown' while an item that it depends on is not valid
export function checkEntry(form, entry, today) {
    const values = new Map();
    const judging = {
        form, entry, values, problems: [], answers: new Map(), declined: new Map(), invalid: new Set(),
        states: new Map(),
        items: new Map(itemsOf(form).map((item) => [item.id, item])),
        input: {values, date: isDay(entry.date) ? entry.date : null, today},
    };
    checkDate(entry.date, today, judging.problems);
    readValues(judging);
    readDeclined(judging);
    checkPresence(judging);
    const findings = checkRules(judging);
    const {problems, answers, declined, states} = judging;
    return {problems, findings, answers, declined, states};
}
