// SPDX-License-Identifier: GPL-3.0-or-later
// Light or dark before anything is drawn; no module, so that it runs first.
(() => {
    const system = matchMedia('(prefers-color-scheme: dark)');
    const apply = () => {
        const chosen = localStorage.getItem('patella.theme');
        const theme = ['light', 'dark'].includes(chosen) ? chosen : system.matches ? 'dark' : 'light';
        document.documentElement.dataset.bsTheme = theme;
    };
    system.addEventListener('change', apply);
    addEventListener('patella-theme', apply);
    apply();
})();
