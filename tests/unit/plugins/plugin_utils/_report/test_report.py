# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows, findings and renderings of estates that do not exist."""

from __future__ import annotations

import html.parser
import json
import re
import typing as t

import pytest

from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import link as doctor_link
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._doctor import words as doctor_words
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._report import html as report_html
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._report import metrics
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._report import report as link_report
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._report import style as report_style
from ansible_collections.crosscluster.elasticsearch.plugins.plugin_utils._report import text as report_text

estate_of = pytest.importorskip(
    "support.estate", reason="ansible-test does not have tests/ on its path; make test does"
)
DAY, Estate, mesh = estate_of.DAY, estate_of.Estate, estate_of.mesh

NASTY = "<script>alert(1)</script>\"'&\u0000\u202e{{ 7*7 }}\n</td>"
VOID = {"meta", "input", "br", "link", "rect", "line"}


def two() -> Estate:
    return Estate({"paris": 2, "berlin": 2}, [("paris", "berlin")])


def report(estate: Estate, **options: t.Any) -> dict[str, t.Any]:
    views = estate.views()
    findings = doctor_link.examine(
        views, estate.facts(), **{k: v for k, v in options.items() if k in ("warn_days", "roles")}
    )
    return link_report.build(views, findings, estate.now, options.get("previous"), options.get("stray", ()))


def codes(estate: Estate, **options: t.Any) -> dict[str, str]:
    return {item["code"]: item["level"] for item in report(estate, **options)["links"][0]["findings"]}


# -- rows --------------------------------------------------------------------------------------------------------------


def test_a_row() -> None:
    found = report(two())
    row = found["links"][0]
    assert {name: row[name] for name in ("state", "key_id", "age_days", "days_left", "proven", "owner")} == {
        "state": "ok",
        "key_id": "key0000",
        "age_days": 30,
        "days_left": 60,
        "proven": True,
        "owner": "elastic",
    }
    assert row["last_proof"] == found["generated"] and link_report.exit_status(found) == 0
    assert found["summary"] == {
        "ok": 1,
        "warning": 0,
        "broken": 0,
        "unknown": 0,
        "links": 1,
        "healthy": True,
        "orphans": 0,
        "next_expiry_days": 60,
    }


@pytest.mark.parametrize(
    ("left", "days", "words"),
    [
        (1, 1, "in 1 day"),
        (DAY, 1, "in 1 day"),
        (90 * DAY - 1, 90, "in 90 days"),
        (0, 0, "expired"),
        (-1, 0, "expired"),
        (-DAY, -1, "expired"),
        (None, None, "never"),
    ],
)
def test_days_left_are_started_days(left: int | None, days: int | None, words: str) -> None:
    estate = two()
    estate.key("paris/berlin")["expiration"] = None if left is None else estate.now + left
    assert report(estate)["links"][0]["days_left"] == days and report_text.ends(days) == words


def test_a_failing_link_keeps_the_time_of_its_last_proof() -> None:
    estate = two()
    before = report(estate)
    estate.now += DAY
    estate.fail_probe("paris/berlin", "Unable to connect to [berlin]")
    row = report(estate, previous=before)["links"][0]
    assert (row["proven"], row["last_proof"]) == (False, before["generated"])
    assert "worked 2027-01-15" in report_text.proof(row, estate.now)
    for odd in (None, {}, {"links": 3}, {"links": [{"link": "paris/berlin", "last_proof": "x"}, 7]}):
        assert report(estate, previous=odd)["links"][0]["last_proof"] is None


@pytest.mark.parametrize("side", ["api_keys", "remotes"])
def test_a_side_that_cannot_be_read_is_unknown_and_not_broken(side: str) -> None:
    estate = two()
    estate.failed[side, "berlin" if side == "api_keys" else "paris"] = "401 security_exception"
    found = report(estate)
    row = found["links"][0]
    assert row["state"] == "unknown" and link_report.exit_status(found) == 3
    assert {node["credential"] for node in row["nodes"]} == ({"unread"} if side == "api_keys" else {"live"})
    assert [item["code"] for item in row["findings"]] == ["cluster_unread"]


def test_no_orphans_are_named_while_a_node_cannot_be_read() -> None:
    estate = two()
    estate.keys["berlin"].append({**estate.key("paris/berlin"), "id": "extra"})
    assert [key["id"] for key in report(estate)["links"][0]["orphans"]] == ["extra"]
    estate.keystores["paris-2"] = {"failed": True, "msg": "no such tool"}
    assert report(estate)["links"][0]["orphans"] == [] and codes(estate)["node_unread"] == "unknown"


# -- findings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (
            "API key (type:[cross_cluster], id:[key0000]) requires certificate identity matching [CN=x], but no certificate was provided",  # noqa: E501
            "certificate_identity_missing",
        ),
        (
            "DN from provided certificate [CN=a] does not match API Key certificate identity pattern [CN=b]",
            "certificate_identity_mismatch",
        ),
        ("Failed to verify cross cluster api key signature certificate from [(CN=a", "signature_untrusted"),
        ("invalid credentials for API key [key0000]", "key_wrong_secret"),
        ("current license is non-compliant for [advanced-remote-cluster-security]", "license"),
        ("target cluster version [8.9.0] does not support receiving them", "remote_too_old"),
        ("all nodes must have version [8.10.0] or higher to support", "remote_mixed_versions"),
        (
            "Transport request header [x] is not allowed for cross cluster requests through the dedicated remote cluster server port",  # noqa: E501
            "header_not_allowed",
        ),
        ("this node does not have the remote_cluster_client role", "node_lacks_role"),
        ("Internal user [_xpack] should not be used for cross cluster requests", "internal_user"),
        (
            "Cross cluster API key [k] is invalid: search does not support document or field level security if replication is assigned",  # noqa: E501
            "key_access_invalid",
        ),
        ("no such remote cluster: [berlin]", "alias_unknown"),
        ("something nobody has seen before", "unknown"),
    ],
)
def test_what_a_node_says_becomes_cause_and_fix(reason: str, code: str) -> None:
    estate = two()
    estate.fail_probe("paris/berlin", reason)
    finding = next(item for item in report(estate)["links"][0]["findings"] if item["code"] == code)
    assert finding["level"] == "error" and finding["fix"] and reason[:40] in finding["evidence"]
    assert "{" not in finding["fix"]


def test_each_node_may_have_its_own_cause() -> None:
    estate = two()
    estate.fail_probe("paris/berlin", "unknown host [berlin.example]", ["paris-1"])
    estate.fail_probe("paris/berlin", "invalid credentials for API key [key0000]", ["paris-2"])
    assert {"unknown_host", "key_wrong_secret"} <= set(codes(estate))


def placed() -> Estate:
    """As two, and it is known which node an address leads to."""
    estate = two()
    for node in estate.running["paris"]:
        node["urls"] = [f"https://{node['name']}:9200"]
    return estate


def told(estate: Estate, code: str) -> dict[str, t.Any]:
    found = [item for item in report(estate)["links"][0]["findings"] if item["code"] == code]
    assert len(found) == 1, report(estate)["links"][0]["findings"]
    return found[0]


def test_the_fault_of_one_node_is_not_told_of_another() -> None:
    estate = placed()
    estate.keystores["paris-1"]["credentials"].pop("berlin")
    estate.fail_probe("paris/berlin", "[_cross_cluster_access_credentials] but none found", ["paris-1"])
    estate.fail_probe("paris/berlin", "Unable to connect to [berlin]", ["paris-2"])
    absent = told(estate, "credential_absent")
    assert "paris-1" in absent["cause"] and "Unable" not in absent["evidence"]
    assert told(estate, "not_connected")["cause"] == "requests through paris-2 fail"


def test_a_key_in_memory_is_that_of_the_node_that_uses_it() -> None:
    """paris-1 has a revoked key in its keystore; paris-2 has the live one there, and another one in memory."""
    estate = placed()
    estate.keys["berlin"].append({**estate.key("paris/berlin"), "id": "old", "invalidated": True})
    estate.keystores["paris-1"]["credentials"]["berlin"]["api_key_id"] = "old"
    estate.fail_probe("paris/berlin", "api key [old] has been invalidated", ["paris-1", "paris-2"])
    assert "paris-1" in told(estate, "credential_revoked")["cause"]
    assert "paris-2" in told(estate, "not_reloaded")["cause"] and "paris-1" not in told(estate, "not_reloaded")["cause"]


def test_a_reload_is_missing_only_on_nodes_that_fail() -> None:
    estate = placed()
    estate.remote("paris/berlin")["security_model"] = "certificate"
    estate.fail_probe("paris/berlin", "Unable to connect to [berlin]", ["paris-2"])
    finding = told(estate, "not_reloaded")
    assert "paris-2" in finding["cause"] and "paris-1" not in finding["cause"]


UNTRUSTED = {"cause": "certificate_untrusted", "reason": "self-signed certificate", "address": "berlin.example:9443"}


def test_no_certificate_is_blamed_by_a_node_that_got_an_answer_of_the_server() -> None:
    estate = placed()
    estate.key("paris/berlin")["invalidated"] = True
    for node in ("paris-1", "paris-2"):
        estate.ports[node, "berlin.example:9443"] = {**UNTRUSTED, "trust": "node"}
    estate.fail_probe("paris/berlin", "api key [key0000] has been invalidated")
    assert not {"certificate_untrusted", "certificate_unchecked"} & set(codes(estate)), codes(estate)


@pytest.mark.parametrize("trust, level", [("node", "error"), ("given", "error"), ("system", "info")])
def test_a_certificate_is_blamed_where_it_is_known_what_the_node_trusts(trust: str, level: str) -> None:
    estate = placed()
    for node in ("paris-1", "paris-2"):
        estate.ports[node, "berlin.example:9443"] = {**UNTRUSTED, "trust": trust}
    estate.fail_probe("paris/berlin", "Unable to connect to [berlin]")
    found = codes(estate)
    assert found["certificate_unchecked" if level == "info" else "certificate_untrusted"] == level
    assert ("not_connected" in found) == (level == "info")


@pytest.mark.parametrize("migrate", [False, True])
def test_a_link_that_works_by_the_certificate_model_is_not_broken(migrate: bool) -> None:
    estate = placed()
    estate.link("paris/berlin")["migrate"] = migrate
    estate.keys["berlin"].clear()
    for node in ("paris-1", "paris-2"):
        estate.keystores[node]["credentials"].clear()
    estate.remote("paris/berlin")["security_model"] = "certificate"
    assert codes(estate) == ({} if migrate else {"certificate_model": "warning"})


def test_clusters_that_cannot_be_linked() -> None:
    estate = two()
    estate.fail_probe("paris/berlin", "Unable to connect to [berlin]")
    estate.clusters["paris"]["version"] = "8.9.2"
    estate.clusters["berlin"]["build_flavor"] = "serverless"
    estate.clusters["paris"]["nodes"][0]["roles"] = ["data"]
    estate.clusters["berlin"]["nodes"][1]["remote_cluster_server"] = None
    assert {"too_old", "serverless", "node_lacks_role", "server_partly_disabled"} <= set(codes(estate))
    finding = next(item for item in report(estate)["links"][0]["findings"] if item["level"] == "error")
    assert "Unable to connect" in str([item["evidence"] for item in report(estate)["links"][0]["findings"]]), finding


@pytest.mark.parametrize("old, new", [("paris", "berlin"), ("berlin", "paris")])
def test_versions_that_cannot_talk(old: str, new: str) -> None:
    estate = two()
    estate.clusters[old].update(version="8.14.3", minimum_wire_compatibility_version="7.17.0")
    estate.clusters[new].update(version="9.1.0", minimum_wire_compatibility_version="8.19.0")
    assert "versions_incompatible" not in codes(estate), "a link that works is not explained away"
    estate.fail_probe("paris/berlin", "handshake failed because connection reset")
    told = [item for item in report(estate)["links"][0]["findings"] if item["code"] == "versions_incompatible"]
    assert f"{old} runs 8.14.3, and the other cluster talks to 8.19.0 and newer only" in {
        item["cause"] for item in told
    }


def test_9300_and_9200() -> None:
    for port, code in ((9300, "transport_port"), (9200, "http_port")):
        estate = two()
        estate.fail_probe("paris/berlin", "Unable to connect to [berlin]")
        estate.remote("paris/berlin")["addresses"] = [f"berlin.example:{port}"]
        assert codes(estate)[code] == "error"


def test_key_that_cannot_be_used_any_more() -> None:
    estate = two()
    estate.key("paris/berlin")["access"] = {
        "search": [{"names": ["a"], "query": "{}"}],
        "replication": [{"names": ["a"]}],
    }
    assert codes(estate)["key_access_invalid"] == "error"
    estate = two()
    estate.key("paris/berlin")["certificate_identity"] = "CN=paris"
    estate.clusters["paris"]["version"] = "9.2.1"
    assert codes(estate)["certificate_identity_unsupported"] == "error"


def test_every_text_can_be_filled_in() -> None:
    names = (
        "client",
        "server",
        "alias",
        "key_name",
        "nodes",
        "address",
        "port",
        "key_id",
        "owner",
        "cluster",
        "version",
        "oldest",
        "left",
        "role",
        "fields",
        "plan",
    )
    for code, (cause, fix) in doctor_words.WORDS.items():
        assert (cause + fix).format(**dict.fromkeys(names, "x")), code


# -- renderings --------------------------------------------------------------------------------------------------------


class Page(html.parser.HTMLParser):
    """Checks that elements nest, and collects ids, references, and texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name == "href":
                self.targets.append(str(value))
            if name in ("src", "srcset", "data", "action") or name.startswith("on"):
                self.loads.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.open and self.open.pop() == tag, f"</{tag}> closes {self.open}"


@pytest.mark.parametrize("size", [0, 1, 3, 300])
def test_html_is_whole_and_needs_nothing_else(size: int) -> None:
    estate = mesh(size) if size else Estate({"paris": 1}, [])
    text = report_html.render(report(estate))
    page = Page(text)
    assert not page.loads and len(page.ids) == len(set(page.ids))
    assert all(target.startswith("#") and target[1:] in page.ids for target in page.targets)
    assert "http://" not in text and "https://" not in text and "@import" not in text and "url(" not in text
    assert page.tags.count("script") == 1


def test_html_and_terminal_with_names_made_to_break_them() -> None:
    found = report(mesh(3))
    for row in found["links"]:
        row.update(client=NASTY, server=NASTY, alias=NASTY, owner=NASTY, key_id=NASTY, link=NASTY + row["link"])
        row["nodes"] = [{"name": NASTY, "credential": NASTY, "key_id": NASTY, "reason": NASTY}]
        for item in row["findings"]:
            item.update(cause=NASTY, fix=NASTY, evidence=NASTY)
    found["clusters"] = [NASTY]
    text = report_html.render(found, title=NASTY)
    page = Page(text)
    assert page.tags.count("script") == 1 and "\u0000" not in text and not page.loads
    assert all(line.count("{") == line.count("}") for line in metrics.prometheus(found).splitlines())


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [report_style.LIGHT, report_style.DARK], ids=["light", "dark"])
def test_contrast(theme: dict[str, str]) -> None:
    pairs = [(name, f"{name}-ground") for name in link_report.STATES]
    pairs += [(name, ground) for name in ("text", "quiet", "link") for ground in ("ground", "soft")]
    for name, ground in pairs:
        light, dark = sorted((luminance(theme[name]), luminance(theme[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, ground)


SAMPLE = re.compile(
    r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-zA-Z_][a-zA-Z0-9_]*="(\\\\|\\"|\\n|[^"\\\n])*",?)*\})? (-?[0-9.]+(e[+-]?\d+)?)'
)


@pytest.mark.parametrize("name", ["paris", 'a"b', "a\\b", "a\nb"])
def test_prometheus_exposition(name: str) -> None:
    found = report(mesh(30))
    found["links"][0]["owner"] = name
    text = metrics.prometheus(found)
    assert text.endswith("\n")
    typed: list[str] = []
    seen: set[str] = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            typed.append(line.split()[2])
            assert line.split()[3] == "gauge"
        elif not line.startswith("# HELP "):
            match = SAMPLE.fullmatch(line)
            assert match and match.group(1) == typed[-1], line
            assert line.rsplit(" ", 1)[0] not in seen, f"a series stands twice: {line}"
            seen.add(line.rsplit(" ", 1)[0])
    assert len(typed) == len(set(typed))


def test_bulk_body() -> None:
    found = report(mesh(7))
    text = metrics.bulk(found, "metrics-x-default")
    lines = [json.loads(line) for line in text.splitlines()]
    assert text.endswith("\n") and len(lines) == 14
    assert (
        all(list(action) == ["create"] for action in lines[::2])
        and len({action["create"]["_id"] for action in lines[::2]}) == 7
    )
    assert lines[1]["@timestamp"] == "2027-01-15T08:00:00.000Z" and lines[3]["event"]["outcome"] == "failure"
    assert metrics.bulk({**found, "links": []}, "x") == ""


def test_terminal_and_stats() -> None:
    found = report(mesh(60))
    lines = report_text.render(found)
    assert lines[0].startswith("STATE") and lines[-1].startswith("60 links: ")
    assert any(line.startswith("    Fix: ") for line in lines)
    stats = report_text.stats(found, link_report.exit_status(found))
    assert stats["status"] == 2 and len(stats["attention"]) + stats["left_out"] == sum(
        row["state"] != "ok" for row in found["links"]
    )
