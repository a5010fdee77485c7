// SPDX-License-Identifier: GPL-3.0-or-later
// The one module that knows where the libraries of others lie.
import { Component, Fragment, createContext, h, render } from '../vendor/preact.js';
import { useCallback, useContext, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState }
    from '../vendor/preact_hooks.js';
import htm from '../vendor/htm.js';

export const html = htm.bind(h);
export {
    Component, Fragment, createContext, h, render,
    useCallback, useContext, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState,
};
