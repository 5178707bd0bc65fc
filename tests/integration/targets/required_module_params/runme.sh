#!/usr/bin/env bash
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Every module without options says what it needs. Also finds imports that do not work on this ansible-core.
set -eux -o pipefail

for path in "$ANSIBLE_COLLECTIONS_PATH"/ansible_collections/crosscluster/elasticsearch/plugins/modules/*.py; do
  module=$(basename "$path" .py)
  expected="missing required arguments|missing parameter"
  if [ "$module" = keystore_info ]; then
    expected="elasticsearch-keystore was not found on this host"
  fi
  if answer=$(ansible localhost -m "crosscluster.elasticsearch.$module" 2>&1); then
    echo "$module did not fail: $answer"
    exit 1
  fi
  grep -E "$expected" <<< "$answer"
  if grep Traceback <<< "$answer"; then
    exit 1
  fi
done
