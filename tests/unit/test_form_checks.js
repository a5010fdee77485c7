// SPDX-License-Identifier: GPL-3.0-or-later
// The browser's checks on the cases of tests/golden/checks.  Reads the definitions from its standard input, as
// `test_form_checks definitions` prints them; prints TAP.

import {readFileSync} from 'node:fs';
import {checkEntry, itemsOf} from '../../collector/web/lib/form/check.js';
import {evaluateExpression} from '../../collector/web/lib/form/expression.js';

const folder = new URL('../golden/checks/', import.meta.url);
const load = (name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
const definitions = JSON.parse(readFileSync(0, 'utf8'));

let count = 0;
function report(name, faults) {
  count += 1;
  console.log(`${faults.length === 0 ? 'ok' : 'not ok'} ${count} - ${name}`);
  for (const fault of faults)
    console.log(`# ${fault}`);
}

function expressionFaults() {
  const document = load('expressions.json');
  const {answers} = checkEntry(definitions.expression_form, document, document.today);
  const values = new Map([...answers].map(([id, answer]) => [id, answer.value]));
  const input = {values, date: document.date, today: document.today};
  return document.cases.flatMap(([source, expected], i) => {
    const found = String(evaluateExpression(definitions.expressions[i], input) ?? 'unknown');
    return found === expected ? [] : [`${source}: expected ${expected}, is ${found}`];
  });
}

function caseFaults(document, verdict) {
  const form = definitions.forms[`${verdict.form} ${verdict.version ?? 1}`];
  const entry = {
    date: 'date' in verdict ? verdict.date : document.date,
    answers: {...document.starts[verdict.from], ...verdict.answers},
    not_answered: verdict.not_answered ?? {}, confirmed: verdict.confirmed ?? [],
  };
  const check = checkEntry(form, entry, verdict.today ?? document.today);
  const found = check.problems.map(({item, rule, soft}) => `${item ?? '-'} ${rule}${soft ? ' soft' : ''}`);
  const hidden = itemsOf(form).filter(({id}) => check.states.get(id) === 'hidden').map(({id}) => id);
  const same = (a, b) => [...a].sort().join('\n') === [...b].sort().join('\n');
  const differs = (what, expected, is) => (same(expected, is) ? []
    : [`${verdict.form}: ${verdict.is}: ${what} expected ${expected}; found ${is}`]);
  return [...differs('problems', verdict.problems, found), ...differs('hidden', verdict.hidden ?? hidden, hidden)];
}

const document = load('forms.json');
console.log('1..3');
report('evaluateExpression gives each vector its truth', expressionFaults());
report('checkEntry gives each vector its verdict', document.cases.flatMap((verdict) => caseFaults(document, verdict)));
report('there are as many vectors as C is held to',
  definitions.expressions.length > 150 && document.cases.length > 150 ? [] : ['too few vectors were read']);
