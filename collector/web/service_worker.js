// SPDX-License-Identifier: GPL-3.0-or-later
self.addEventListener('install', () => self.skipWaiting());
