#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The checks that the browser makes while a form is filled in, held to the same vectors as the server's.
set -euo pipefail
cd "$(dirname "$0")/../.."

"${BUILD:-build}/tests/unit/test_form_checks" definitions | node tests/unit/test_form_checks.js
