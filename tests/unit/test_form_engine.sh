#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The state of a form that is being filled in, in node: no page, no network.
set -euo pipefail
cd "$(dirname "$0")/../.."

"${BUILD:-build}/tests/unit/test_form_checks" definitions | node tests/unit/test_form_engine.js
