#!/usr/bin/env bash
# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The playbooks between two simulated clusters: link them, find nothing left to do, rotate, take the link down.
set -eux -o pipefail

python=$(ansible localhost -m ansible.builtin.debug -a 'msg={{ ansible_playbook_python }}' | sed -n 's/.*"msg": "\(.*\)".*/\1/p')
folder=$(mktemp -d)
export XDG_CACHE_HOME="$folder/cache"
PYTHONPATH="$ANSIBLE_COLLECTIONS_PATH/ansible_collections/crosscluster/elasticsearch/tests" timeout 900 "$python" -m simulator \
  "$folder/run" --clusters "berlin paris" --nodes 2 > "$folder/log" 2>&1 < /dev/null &
simulator=$!
trap 'kill "$simulator"; wait "$simulator" || true; rm -r "$folder"' EXIT
for _ in $(seq 300); do
  [ -e "$folder/run/clusters.json" ] && break
  sleep 0.2
done

play() {
  ansible-playbook "crosscluster.elasticsearch.$1" -e @variables.yml -e "simulated=$folder/run/clusters.json" | tee "$folder/$1"
}

play trust
grep -E 'changed=[1-9]' "$folder/trust"
play trust
grep 'changed=0' "$folder/trust"
if grep -E 'changed=[1-9]' "$folder/trust"; then exit 1; fi
play verify
grep 'every node' "$folder/verify"
play rotate
play verify
play untrust
