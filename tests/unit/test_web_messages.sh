#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The app's texts, in every language.
set -euo pipefail
cd "$(dirname "$0")/../.."

node tests/unit/test_web_messages.js
