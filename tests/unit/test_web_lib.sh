#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The app's modules that need no browser, as the build has put them together with the libraries of others.
set -euo pipefail
cd "$(dirname "$0")/../.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -R "${BUILD:-build}/web/." "$folder"
echo '{"type": "module"}' > "$folder/package.json"
node tests/unit/test_web_lib.js "$folder"
