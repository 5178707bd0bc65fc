# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the keystore modules have in common. Standard library only. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._remote.alias import PREFIX, alias_of_credentials, alias_problem
from .tool import KeystoreTool, name_problem

OPTIONS: t.Dict[str, t.Any] = {
    "executable": {"type": "path"},
    "config_dir": {"type": "path"},
    "keystore_password": {"type": "str", "no_log": True},
}

# The secure settings that Elasticsearch knows below `cluster.remote.`; with any other a node does not start.
_SIGNING_SUFFIXES = (
    ".signing.keystore.secure_password",
    ".signing.keystore.secure_key_password",
)
# Elasticsearch documents this one and takes it for a setting of elasticsearch.yml (9.5.0).
_PASSPHRASE = ".signing.key.secure_passphrase"  # noqa: S105  # a name
_SIGNING_TRUST = "cluster.remote.signing.truststore.secure_password"


def build_tool(params: t.Mapping[str, t.Any]) -> KeystoreTool:
    """The tool the options ask for."""
    return KeystoreTool(params["executable"], params["config_dir"], params["keystore_password"])


def warn_unused_password(module: AnsibleModule, tool: KeystoreTool) -> None:
    """Tell that a password was given for nothing: the reload API refuses one that is not needed."""
    if tool.password_unused:
        module.warn(
            "The keystore of this node is not protected by a password, so keystore_password was not used."
            " Leave it out for this node: the reload of secure settings fails with a password that is not needed."
        )


def remote_name_problem(name: str) -> t.Optional[str]:
    """Why no node would take this setting of a remote cluster, or None (also for settings of other things)."""
    problem = name_problem(name)
    if problem or not (name + ".").startswith(PREFIX):
        return problem
    alias = alias_of_credentials(name)
    if name.endswith(_PASSPHRASE):
        return (
            f"a node with [{name}] in its keystore does not start, by a mistake of Elasticsearch; use a signing key"
            f" without a passphrase, or keep it in a PKCS#12 file ([{name[: -len(_PASSPHRASE)]}.signing.keystore.path])"
        )
    if alias is None and name != _SIGNING_TRUST:
        suffix = next((suffix for suffix in _SIGNING_SUFFIXES if name.endswith(suffix)), None)
        if suffix is None:
            return (
                f"[{name}] is not a secure setting that Elasticsearch knows, and a node with an unknown one does not"
                f" start; the credential of a remote cluster is [{PREFIX}<alias>.credentials]"
            )
        alias = name[len(PREFIX) : -len(suffix)]
    problem = alias_problem(alias) if alias is not None else None
    return f"[{name}]: {problem}" if problem else None
