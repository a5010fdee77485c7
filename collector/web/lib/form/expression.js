// SPDX-License-Identifier: GPL-3.0-or-later
// Evaluates the syntax trees of skip logic and rules that GET .../forms/{form} gives, exactly as the server does
// (forms/expression.h says what they mean).
//
// A value is null when it is not known, {low, high} for a number or a date in days (an interval, a point when exactly
// known), {text}, or {truth}.  Truth is true, false or null.

import {dateInterval, parsePartialDate} from './dates.js';

function interval(low, high) {
    return Number.isFinite(low) && Number.isFinite(high) ? {low, high} : null;
}

function truthValue(truth) {
    return truth === null ? null : {truth};
}

function truthOf(value) {
    return value === null ? null : value.truth ?? null;
}

function negate(truth) {
    return truth === null ? null : !truth;
}

function dateValue(text) {
    const date = text ? parsePartialDate(text) : null;
    return date === null ? null : dateInterval(date);
}

// Decimal fractions such as 0.1 are not exact in binary: this much is no difference.
function isBelow(a, b) {
    return b - a > 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));
}

function compareEqual(a, b) {
    if (a === null || b === null)
        return null;
    if ('text' in a || 'text' in b)
        return a.text === b.text;
    if ('truth' in a)
        return a.truth === b.truth;
    if (isBelow(a.high, b.low) || isBelow(b.high, a.low))
        return false;
    return a.low === a.high && b.low === b.high ? true : null;
}

// a < b, or a <= b when `orEqual`; not known while both outcomes are possible.
function compareLess(a, b, orEqual) {
    if (a === null || b === null)
        return null;
    if (orEqual ? !isBelow(b.low, a.high) : isBelow(a.high, b.low))
        return true;
    if (orEqual ? isBelow(b.high, a.low) : !isBelow(a.low, b.high))
        return false;
    return null;
}

function isIn(value, elements) {
    let found = false;
    for (const element of elements) {
        const equal = compareEqual(value, element);
        if (equal === true)
            return true;
        if (equal === null)
            found = null;
    }
    return found;
}

// Kleene's "and" and "or": one false (true) decides, otherwise one unknown makes it unknown.
function join(node, deciding, input) {
    let result = !deciding;
    for (const argument of node.args) {
        const truth = truthOf(evaluate(argument, input));
        if (truth === deciding)
            return deciding;
        if (truth === null)
            result = null;
    }
    return result;
}

function spread(numbers) {
    return interval(Math.min(...numbers), Math.max(...numbers));
}

function divide(a, b) {
    if (b.low <= 0 && b.high >= 0)
        return null;
    return spread([a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high]);
}

function absolute(a) {
    if (a.low >= 0)
        return a;
    return interval(a.high <= 0 ? -a.high : 0, Math.max(-a.low, a.high));
}

const calculations = {
    '+': (a, b) => interval(a.low + b.low, a.high + b.high),
    '-': (a, b) => interval(a.low - b.high, a.high - b.low),
    '*': (a, b) => spread([a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high]),
    '/': divide,
    negate: (a) => interval(-a.high, -a.low),
    abs: absolute,
    days: (from, to) => interval(to.low - from.high, to.high - from.low),
    min: (...all) => interval(Math.min(...all.map((a) => a.low)), Math.min(...all.map((a) => a.high))),
    max: (...all) => interval(Math.max(...all.map((a) => a.low)), Math.max(...all.map((a) => a.high))),
};

const comparisons = {
    '=': compareEqual,
    '!=': (a, b) => negate(compareEqual(a, b)),
    '<': (a, b) => compareLess(a, b, false),
    '<=': (a, b) => compareLess(a, b, true),
    '>': (a, b) => compareLess(b, a, false),
    '>=': (a, b) => compareLess(b, a, true),
    in: (value, ...elements) => isIn(value, elements),
};

function evaluateOperation(node, input) {
    if (node.op === 'and' || node.op === 'or')
        return truthValue(join(node, node.op === 'or', input));
    if (node.op === 'answered')
        return {truth: input.values.has(node.args[0].item)};
    const values = node.args.map((argument) => evaluate(argument, input));
    if (node.op === 'not')
        return truthValue(negate(truthOf(values[0])));
    if (Object.hasOwn(comparisons, node.op))
        return truthValue(comparisons[node.op](...values));
    if (!Object.hasOwn(calculations, node.op))
        throw new Error(`this version of the page does not know the operation "${node.op}"; load it again`);
    return values.includes(null) ? null : calculations[node.op](...values);
}

function evaluate(node, input) {
    if (node.op !== undefined)
        return evaluateOperation(node, input);
    if (node.item !== undefined)
        return input.values.get(node.item) ?? null;
    if (node.number !== undefined)
        return interval(Number(node.number), Number(node.number));
    if (node.text !== undefined)
        return {text: node.text};
    if (node.boolean !== undefined)
        return {truth: node.boolean};
    return dateValue(node.date ?? input[node.field]);
}

// input: {values: Map item -> value as above (only items that are answered), date, today: 'YYYY-MM-DD' or null}.
// Returns true, false, or null for what is not known.
export function evaluateExpression(tree, input) {
    return truthOf(evaluate(tree, input));
}

// The ids of the items that the tree names.
export function itemsOfExpression(tree, found = new Set()) {
    if (tree.item !== undefined)
        found.add(tree.item);
    for (const argument of tree.args ?? [])
        itemsOfExpression(argument, found);
    return found;
}
