// SPDX-License-Identifier: GPL-3.0-or-later
// What happens to a form while it is filled in (lib/form/engine.js), and what a second entry settles
// (lib/record/settle.js).  Reads definitions from its standard input, as `test_form_checks definitions` prints them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
    confirmFinding, contentOf, correctionOf, declineItem, differencesOf, groupsOf, isAnalogueScale, itemsOf, newEntry,
    setAnswer, submissionOf, viewOf,
} from '../../collector/web/lib/form/engine.js';
import { enteredAnswer, settledEntry } from '../../collector/web/lib/record/settle.js';

const { forms } = JSON.parse(readFileSync(0, 'utf8'));
const TODAY = '2026-04-02';
const chain = forms['chain 1'];
const types = forms['types 1'];
const koos = forms['koos 1'];

function filled(form, answers, date = '2026-04-01') {
    const entry = newEntry(form, { subject: '07-0012', knee: 'right' }, date);
    return Object.entries(answers).reduce((last, [id, value]) => setAnswer(form, last, id, value), entry);
}

const hardOf = (view) => view.hard.map(({ item, rule }) => `${item} ${rule}`);

const tests = {
    'newEntry has the key, the version and nothing answered'() {
        assert.deepEqual(newEntry(koos, { subject: '07-0012', knee: 'left', visit: 'M3', instance: 2 }, null), {
            subject: '07-0012', knee: 'left', form: 'koos', form_version: 1, visit: 'M3', instance: 2, version: 1,
            date: null, reason: null, answers: {}, not_answered: {}, confirmed: [], section: null });
    },
    'setAnswer and declineItem take each other away, and an entry is never changed in place'() {
        const first = newEntry(types, {}, null);
        const declined = declineItem(types, first, 'i', 'refused');
        const answered = setAnswer(types, declined, 'i', '3');
        assert.deepEqual([first.answers, first.not_answered], [{}, {}]);
        assert.deepEqual(declined.not_answered, { i: 'refused' });
        assert.deepEqual([answered.answers, answered.not_answered], [{ i: '3' }, {}]);
        assert.deepEqual(declineItem(types, answered, 'i', 'illegible').answers, {});
        assert.deepEqual(setAnswer(types, answered, 'i', '').answers, {});
        assert.deepEqual(declineItem(types, declined, 'i', null).not_answered, {});
    },
    'viewOf counts what is shown: answers and reasons for none, but not what cannot be read'() {
        const view = viewOf(koos, declineItem(koos, filled(koos, { s1: 1, s2: 4, s3: 9 }), 's4', 'refused'), TODAY);
        assert.deepEqual([view.done, view.total], [3, 42]);
        assert.deepEqual(view.sections.map(({ id, done, total }) => [id, done, total]),
            [['symptoms', 3, 7], ['pain', 0, 9], ['adl', 0, 17], ['sport', 0, 5], ['qol', 0, 4]]);
        assert.deepEqual(hardOf(view), ['s3 choice']);
        assert.deepEqual(view.sections[0].problems.map(({ item }) => item), ['s3']);
    },
    'viewOf hides a whole chain without calling its answers wrong, and brings them back'() {
        const whole = filled(chain, { a: true, b: 4, c: 'left', d: 'y', e: false });
        assert.deepEqual([...viewOf(chain, whole, TODAY).shown], ['a', 'b', 'c', 'd', 'e']);
        const cut = setAnswer(chain, whole, 'a', false);
        const view = viewOf(chain, cut, TODAY);
        assert.deepEqual([...view.shown], ['a', 'e', 'f']);
        assert.deepEqual(view.hard, []);
        assert.deepEqual(contentOf(chain, cut, TODAY).answers, { a: false, e: false });
        assert.deepEqual([...viewOf(chain, setAnswer(chain, cut, 'a', true), TODAY).shown], ['a', 'b', 'c', 'd', 'e']);
    },
    'viewOf leaves a section without items out'() {
        const view = viewOf(forms['screening 1'], filled(forms['screening 1'], { occasion: 'withdrawal' }), TODAY);
        assert.deepEqual(view.sections.map(({ id }) => id), ['consent', 'withdrawal']);
    },
    'viewOf keeps an item in sight whose condition hangs on an answer that cannot be read'() {
        const entry = filled(chain, { a: true, b: 77, c: 'left' });
        const view = viewOf(chain, entry, TODAY);
        assert.ok(view.shown.has('c'));
        assert.deepEqual(hardOf(view), ['b range']);
        assert.ok(!viewOf(chain, setAnswer(chain, entry, 'c', ''), TODAY).shown.has('c'));
    },
    'viewOf tells what is unusual until and after it is confirmed'() {
        const entry = filled(types, { i: '9' });
        assert.deepEqual(viewOf(types, entry, TODAY).soft.map(({ rule, confirmed }) => [rule, confirmed ?? false]),
            [['soft_range', false]]);
        const confirmed = confirmFinding(entry, { item: 'i', rule: 'soft_range' }, 'seen');
        const view = viewOf(types, confirmed, TODAY);
        assert.deepEqual(view.hard, []);   // too short a reason is the page's to ask for, no wrong answer
        assert.equal(view.soft.length, 1);
    },
    'a confirmation goes when its item, or one that its rule names, is changed'() {
        const unusual = filled(types, { i: '9', x: '60' });
        const entry = confirmFinding(unusual, { item: 'i', rule: 'soft_range' }, 'seen twice');
        assert.equal(setAnswer(types, entry, 'x', '61').confirmed.length, 1);
        assert.equal(setAnswer(types, entry, 'i', '10').confirmed.length, 0);
        const rare = filled(chain, { a: true, b: 5, c: 'left', d: 'x' });
        const stood = confirmFinding(rare, { item: null, rule: 'soft_all' }, 'seen twice');
        assert.deepEqual(stood.confirmed, [{ rule: 'soft_all', reason: 'seen twice' }]);
        assert.equal(setAnswer(chain, stood, 'b', 6).confirmed.length, 1);
        assert.equal(declineItem(chain, stood, 'd', 'refused').confirmed.length, 0);
    },
    'contentOf sends whole numbers and truth as JSON, decimals and dates as they were typed'() {
        const typed = { i: '3', x: '27.0', two: '5', p: '1', c: 'pain', d: '2026-03-01', e: '2026', t: 'a', b: 'true' };
        assert.deepEqual(contentOf(types, filled(types, typed), TODAY), {
            answers: { i: 3, x: '27.0', two: '5', p: 1, c: 'pain', d: '2026-03-01', e: '2026', t: 'a', b: true },
            not_answered: {}, confirmed: [] });
    },
    'contentOf sends confirmations of what was found alone, of the page or of the server'() {
        let entry = confirmFinding(filled(types, { i: '5', p: '1' }), { item: 'i', rule: 'soft_range' }, 'seen twice');
        entry = confirmFinding(entry, { item: 'p', rule: 'news' }, 'known to us');
        assert.deepEqual(contentOf(types, entry, TODAY).confirmed, []);
        assert.deepEqual(contentOf(types, entry, TODAY, [{ item: 'p', rule: 'news' }]).confirmed,
            [{ item: 'p', rule: 'news', reason: 'known to us' }]);
    },
    'submissionOf has a reason from the second version on'() {
        const entry = filled(types, { i: '5' });
        assert.ok(!('reason' in submissionOf(types, entry, TODAY, 'x')));
        const next = { ...correctionOf({ ...submissionOf(types, entry, TODAY, 'x') }), reason: 'misread' };
        assert.deepEqual([next.version, submissionOf(types, next, TODAY, 'y').reason], [2, 'misread']);
    },
    'differencesOf tells an answer from a reason for none, in the order of the form'() {
        const before = { answers: { i: 3, t: 'refused' }, not_answered: { x: 'refused' } };
        const after = { answers: { i: 4 }, not_answered: { t: 'refused', x: 'refused' } };
        assert.deepEqual(differencesOf(types, before, after).map(({ item, before: b, after: a }) => [item.id, b, a]), [
            ['i', { value: 3 }, { value: 4 }], ['t', { value: 'refused' }, { declined: 'refused' }]]);
    },
    'groupsOf makes grids of neighbours with the same numbered choices'() {
        const groups = groupsOf(koos.sections[0].items).map(({ kind, items }) => [kind, items.map(({ id }) => id)]);
        assert.deepEqual(groups, [['grid', ['s1', 's2', 's3']], ['grid', ['s4', 's5']], ['grid', ['s6', 's7']]]);
        assert.deepEqual(groupsOf(itemsOf(forms['joint_event 1'])).map(({ kind }) => kind), Array(6).fill('single'));
    },
    'isAnalogueScale is a line of 100 mm'() {
        assert.ok(isAnalogueScale(itemsOf(forms['pain_vas 1'])[0]));
        assert.ok(!isAnalogueScale(itemsOf(forms['imaging 1']).find(({ id }) => id === 'joint_space_mm')));
    },
    'settledEntry takes the first, the second or another answer, and says why'() {
        const first = { subject: '07-0012', knee: 'none', visit: 'unscheduled', instance: 1, version: 1,
                        form_version: 1, date: '2026-04-01',
                        content: { answers: { i: 1, p: 0, t: 'a', x: '5' }, not_answered: {} } };
        const items = [{ item: 'date', second: '2026-03-31' }, { item: 'i', second: '2' }, { item: 'p', second: '1' },
                       { item: 't', second: 'not answered: illegible' }, { item: 'x', second: null }];
        const decisions = { date: { choice: 'second' }, i: { choice: 'first' }, t: { choice: 'second' },
                            x: { choice: 'second' },
                            p: { choice: 'neither', value: -2, reason: 'minus two on paper' } };
        const entry = settledEntry(types, first, items, decisions, 'second entry');
        assert.deepEqual([entry.version, entry.date, entry.reason],
            [2, '2026-03-31', 'second entry; p: minus two on paper']);
        assert.deepEqual(contentOf(types, entry, TODAY),
            { answers: { i: 1, p: -2 }, not_answered: { t: 'illegible' }, confirmed: [] });
    },
    'enteredAnswer reads what the server writes of an entry'() {
        assert.deepEqual(['5', 'not answered: refused', null].map(enteredAnswer),
            [{ value: '5' }, { declined: 'refused' }, null]);
    },
};

console.log(`1..${Object.keys(tests).length}`);
for (const [i, [name, test]] of Object.entries(tests).entries()) {
    try {
        test();
        console.log(`ok ${i + 1} - ${name}`);
    } catch (error) {
        console.log(`not ok ${i + 1} - ${name}\n${String(error.stack).replace(/^/gm, '# ')}`);
        process.exitCode = 1;
    }
}
