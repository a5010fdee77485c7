// SPDX-License-Identifier: GPL-3.0-or-later
// Texts of the pages, from messages/LANGUAGE.json: flat keys, {name} where a value goes, and for what is counted
// KEY.one and KEY.other, chosen by `values.n` in the way of the language.
import { observed } from './observed.js';

export const LANGUAGES = [['en', 'English'], ['de', 'Deutsch']];
const STORED = 'patella.language';

// {language, locale}: the locale is the browser's own when it is one of this language.
export const language = observed({ language: 'en', locale: 'en' });
let messages = {};
let plurals = new Intl.PluralRules('en');

function browserLocales() {
    return globalThis.navigator?.languages ?? ['en'];
}

// Takes the texts of a language, e.g. in a test; loadLanguage() does it for pages.
export function setMessages(code, texts) {
    const locale = browserLocales().find((name) => name.split('-')[0] === code) ?? code;
    messages = texts;
    plurals = new Intl.PluralRules(code);
    language.set({ language: code, locale });
}

// The language that was chosen here, or the browser's first that we have.
export function preferredLanguage() {
    const known = LANGUAGES.map(([code]) => code);
    const wanted = [globalThis.localStorage?.getItem(STORED), ...browserLocales().map((name) => name.split('-')[0])];
    return wanted.find((code) => known.includes(code)) ?? 'en';
}

export async function loadLanguage(code) {
    const reply = await fetch(`/app/messages/${code}.json`);
    if (!reply.ok)
        throw new Error(`messages/${code}.json: ${reply.status}`);
    setMessages(code, await reply.json());
    document.documentElement.lang = code;
}

export async function chooseLanguage(code) {
    await loadLanguage(code);
    localStorage.setItem(STORED, code);
}

// Whether there is a text, for keys that are put together from what the server says.
export function hasText(key) {
    return key in messages || `${key}.other` in messages;
}

export function t(key, values = {}) {
    let text = messages[key];
    if (text === undefined && values.n !== undefined)
        text = messages[`${key}.${plurals.select(Number(values.n))}`] ?? messages[`${key}.other`];
    if (text === undefined)
        return key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
