// SPDX-License-Identifier: GPL-3.0-or-later
// The texts of the app: both languages hold the same keys with the same values to fill in, every key that a source
// uses is there, and none is there for nothing.  Prints TAP.
import { readFileSync, readdirSync } from 'node:fs';

const web = new URL('../../collector/web/', import.meta.url);
const LANGUAGES = ['en', 'de'];

const messages = Object.fromEntries(LANGUAGES.map((code) =>
    [code, JSON.parse(readFileSync(new URL(`messages/${code}.json`, web), 'utf8'))]));

function sourcesIn(folder) {
    return readdirSync(new URL(folder, web), { withFileTypes: true }).flatMap((entry) => {
        if (entry.isDirectory())
            return ['vendor', 'node_modules', 'messages'].includes(entry.name) ? []
                : sourcesIn(`${folder}${entry.name}/`);
        return entry.name.endsWith('.js') ? [`${folder}${entry.name}`] : [];
    });
}

const sources = sourcesIn('./').map((name) => [name, readFileSync(new URL(name, web), 'utf8')]);

// Keys that are put together at run time, such as `state.${word}`: the ways in which sources do that.
const builtKeys = sources.flatMap(([name, source]) =>
    [...source.matchAll(/`([a-z_]+\.[a-z0-9_.]*\$\{[^`]*)`/g)].map(([, text]) => ({
        name, text, pattern: new RegExp(`^${text.replace(/\./g, '\\.').replace(/\$\{[^}]*\}/g, '[a-z0-9_-]+')}$`),
    })));

let count = 0;
let failed = 0;
function report(name, faults) {
    count += 1;
    failed += faults.length > 0 ? 1 : 0;
    console.log(`${faults.length === 0 ? 'ok' : 'not ok'} ${count} - ${name}`);
    for (const fault of faults)
        console.log(`# ${fault}`);
}

function isThere(key) {
    return key in messages.en || `${key}.other` in messages.en;
}

function placesOf(text) {
    return [...new Set(text.match(/\{\w+\}/g) ?? [])].sort().join(' ');
}

function differences() {
    const [en, de] = LANGUAGES.map((code) => messages[code]);
    const missing = [...Object.keys(en).filter((key) => !(key in de)).map((key) => `${key} is not in de.json`),
                     ...Object.keys(de).filter((key) => !(key in en)).map((key) => `${key} is not in en.json`)];
    const unlike = Object.keys(en).filter((key) => key in de && placesOf(en[key]) !== placesOf(de[key]))
        .map((key) => `${key}: '${placesOf(en[key])}' in English, '${placesOf(de[key])}' in German`);
    return [...missing, ...unlike];
}

function plurals() {
    return Object.keys(messages.en).filter((key) => /\.(one|other)$/.test(key)).flatMap((key) => {
        const stem = key.replace(/\.(one|other)$/, '');
        return ['one', 'other'].filter((form) => !(`${stem}.${form}` in messages.en))
            .map((form) => `${stem}.${form} is missing`);
    });
}

// What t() and hasText() are called with as it stands.
function unknownKeys() {
    return sources.flatMap(([name, source]) => [...source.matchAll(/\b(?:t|hasText)\('([^']+)'/g)]
        .filter(([, key]) => !isThere(key)).map(([, key]) => `${name}: ${key}`));
}

function unusedKeys() {
    const all = sources.map(([, source]) => source).join('\n');
    const words = new Set(all.match(/'[a-z_]+(\.[a-z0-9_]+)+'/gi)?.map((word) => word.slice(1, -1)) ?? []);
    return Object.keys(messages.en).filter((key) => {
        const stem = key.replace(/\.(one|other)$/, '');
        return !words.has(key) && !words.has(stem) && !builtKeys.some(({ pattern }) => pattern.test(stem));
    });
}

// What is put together in a way that no text fits is a mistake in its letters.
function idlePatterns() {
    const stems = Object.keys(messages.en).map((key) => key.replace(/\.(one|other)$/, ''));
    return builtKeys.filter(({ pattern }) => !stems.some((stem) => pattern.test(stem)))
        .map(({ name, text }) => `${name}: ${text}`);
}

function unsorted() {
    return LANGUAGES.filter((code) => {
        const keys = Object.keys(messages[code]);
        return keys.join() !== [...keys].sort().join();
    }).map((code) => `${code}.json is not sorted by key`);
}

report('both languages hold the same keys with the same places', differences());
report('what is counted has both its forms', plurals());
report('every key that is used has a text', unknownKeys());
report('no text is there for nothing', unusedKeys());
report('every way in which keys are put together gives some', idlePatterns());
report('the files are sorted by key', unsorted());
console.log(`1..${count}`);
process.exitCode = failed > 0 ? 1 : 0;
