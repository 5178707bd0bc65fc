# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which keystore tool to call and how, for the modules that run on a node. Private to this collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragments."""

    DOCUMENTATION = r"""
options:
  executable:
    description:
      - Path of C(elasticsearch-keystore).
      - Without it, the tool is looked for in E(PATH), in C($ES_HOME/bin) and in C(/usr/share/elasticsearch/bin).
    type: path
  config_dir:
    description:
      - Directory with the node's C(elasticsearch.yml) and C(elasticsearch.keystore), handed to the tool as
        E(ES_PATH_CONF).
      - Without it, the tool decides. Installations from packages read it from C(/etc/default/elasticsearch) or
        C(/etc/sysconfig/elasticsearch), which beats this option.
    type: path
  keystore_password:
    description:
      - Password of the keystore, where it is protected by one.
      - With a keystore that is not protected it is not used, and a warning says so.
    type: str
"""
