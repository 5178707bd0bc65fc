# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""URLs of nodes, and addresses of remote clusters: `host:port`, as Elasticsearch takes them. Pure. Private to this
collection."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from urllib.parse import unquote, urlsplit

from .._errors import InputError

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?")


# What an address that holds a login is refused with; the address is not shown.
URL_LOGIN = "holds a login: use username and password instead, so that it is not printed"
REMOTE_LOGIN = "holds a login: remote clusters take host:port, their login is the cross-cluster API key"


def holds_login(value: t.Any) -> bool:
    """Whether an address, or one of several, holds a login. It is not parsed, as a password may break its form."""
    return "@" in unquote(str(value))


def check_urls(urls: t.Sequence[str]) -> t.List[str]:
    """The URLs in the form they are used in, or InputError."""
    if not urls:
        raise InputError("urls is empty: give the address of at least one node, such as https://es.example.com:9200.")
    checked = []
    for number, url in enumerate(urls, 1):
        text = str(url).strip()
        if holds_login(text):
            raise InputError(f"urls: entry {number} {URL_LOGIN}.")
        # What is refused is not repeated in the message: it may hold a password.
        which = f"urls: entry {number}"
        try:
            parts = urlsplit(text)
        except ValueError:  # brackets of IPv6 that do not fit
            raise InputError(f"{which} is not a URL: write it as https://host:9200.") from None
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme.lower() not in ("http", "https") or not parts.hostname or re.search(r"\s", text):
            raise InputError(f"{which} is not a URL: write it as https://host:9200.")
        if port == -1:
            raise InputError(f"{which} has a port that is not a number from 1 to 65535.")
        if parts.query or parts.fragment:
            raise InputError(f"{which} has a part after '?' or '#': write it as https://host:9200.")
        checked.append(f"{parts.scheme.lower()}://{parts.netloc}{parts.path.rstrip('/')}")
    return list(dict.fromkeys(checked))


def address_problem(address: str) -> t.Optional[str]:
    """Why this is not `host:port`, or None. Elasticsearch looks names up only when it connects, and so do we not."""
    if not address:
        return "the address is empty"
    if holds_login(address):
        return f"the address {REMOTE_LOGIN}"
    shown = f"[{address}]"
    if re.search(r"\s", address):
        return f"{shown} contains white space: write one address as host:port"
    if "://" in address or "/" in address:
        return f"{shown} is a URL: remote clusters take host:port, without scheme and path"
    if "," in address:
        return f"{shown} holds several addresses: give them as a list"
    bracketed = re.fullmatch(r"\[(.*)\](.*)", address)
    if bracketed:
        host, rest = bracketed.groups()
        if not _is_ip6(host):
            return f"{shown}: what stands in the brackets is not an IPv6 address"
        if not rest.startswith(":"):
            return f"{shown} has no port: write [{host}]:9443"
        return _port_problem(shown, rest[1:])
    if address.count(":") > 1:
        host, _colon, port = address.rpartition(":")
        hint = f"[{host}]:{port}" if _is_ip6(host) and port.isdigit() else "[address]:9443"
        return f"{shown} is ambiguous: write an IPv6 address in brackets, like {hint}"
    host, colon, port = address.partition(":")
    if not colon:
        return f"{shown} has no port: write {host}:9443 (9443 is the default of remote_cluster.port)"
    if not host:
        return f"{shown} has no host: write host:{port}"
    if re.fullmatch(r"[0-9.]+", host):
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            return f"{shown}: [{host}] is not an IPv4 address"
    elif not _HOST.fullmatch(host) or ".." in host:
        return f"{shown}: [{host}] is not a host name"
    return _port_problem(shown, port)


def port_of(address: str) -> t.Optional[int]:
    """The port, None when there is none."""
    found = re.search(r":(\d+)\Z", address)
    return int(found.group(1)) if found else None


def _port_problem(shown: str, port: str) -> t.Optional[str]:
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        return f"{shown}: the port must be a number from 1 to 65535"
    return None


def _is_ip6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return False
    return True
