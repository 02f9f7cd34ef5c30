"""The dashboard for Grafana and the rules ask for metrics that exist, and Prometheus understands them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hived.documents.metrics.facts import Box, Facts
from hived.documents.metrics.text import every
from hived.records.condition import Moment
from hived.records.discovery import Sweep
from hived.records.metrics import PREFIX
from tests.metrics import needs_promtool

FILES = Path(__file__).parent.parent / "packaging/prometheus"
DOCS = FILES.parents[1] / "docs/integrations.md"
RULES = FILES / "hived.rules.yml"
DASHBOARD: dict[str, Any] = json.loads((FILES / "hived-dashboard.json").read_text("utf-8"))
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
_METRIC = re.compile(r"\bhived_[a-z0-9_]+")


def exist() -> set[str]:
    """The names of all samples that there can be."""
    box = Box((), {}, (), 1, 1, Sweep(1.0, 2.0, 1, 1, 1, 0, 0), {}, {}, 0, {}, {})
    found = every(Facts(Moment(3.0, 15.0), "id", "name", "1", (), box))
    return {f"{PREFIX}{family.metric.name}{end}" for family in found for end in family.samples}


def queries() -> Iterator[tuple[str, str]]:
    for panel in PANELS:
        for target in panel["targets"]:
            yield f"panel {panel['title']}", target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield (
                f"variable {variable['name']}",
                re.sub(r"label_values\((.*), \w+\)", r"\1", variable["query"]["query"]),
            )


def rules() -> Iterator[tuple[str, str]]:
    for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


def missing(expr: str) -> set[str]:
    return set(_METRIC.findall(expr)) - exist()


@pytest.mark.parametrize(("where", "expr"), [*queries(), *rules()])
def test_every_metric_that_is_asked_for_exists(where: str, expr: str) -> None:
    assert _METRIC.search(expr) or where == "HivedNotScraped"
    assert missing(expr) == set(), where


def test_every_metric_has_its_row_in_the_docs() -> None:
    told = re.findall(r"`(hived_[a-z_]+?)(_\.\.\.)?[`{]", DOCS.read_text("utf-8"))
    whole, starts = {name for name, rest in told if not rest}, tuple(f"{name}_" for name, rest in told if rest)
    names = {re.sub("_(bucket|sum|count)$", "", name) for name in exist()}
    assert {name for name in names if name not in whole and not name.startswith(starts)} == set()


def test_a_metric_that_is_gone_is_found() -> None:
    assert missing("sum(rate(hived_polls_of_old_total[5m])) / hived_fleet_power_watts") == {"hived_polls_of_old_total"}


def test_the_dashboard_can_be_imported() -> None:
    """What Grafana wants of a file: a source that the reader chooses, ids that differ, panels that do not overlap."""
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert "datasource" in variables
    for panel in PANELS:
        assert panel["title"]
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert set(re.findall(r"\$(\w+)", target["expr"])) <= variables


@needs_promtool
def test_prometheus_understands_every_query_of_the_dashboard(tmp_path: Path) -> None:
    records = [
        {"record": f"panel_{number}", "expr": re.sub(r"\$\w+", ".*", expr)}
        for number, (_, expr) in enumerate(queries())
    ]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": records}]}), "utf-8")
    assert promtool("check", "rules", str(file)) == ""
    file.write_text(file.read_text("utf-8").replace("sum(", "sum((", 1), "utf-8")
    assert "parse error" in promtool("check", "rules", str(file))


@needs_promtool
def test_promtool_has_nothing_against_the_rules_and_each_begins_and_ends() -> None:
    assert promtool("check", "rules", str(RULES)) == ""
    assert promtool("test", "rules", str(FILES / "hived.rules.test.yml")) == ""


def test_each_rule_is_tried() -> None:
    tried = yaml.safe_load((FILES / "hived.rules.test.yml").read_text("utf-8"))["tests"]
    for alert, _ in rules():
        checks = [one for test in tried if test["name"] == alert for one in test["alert_rule_test"]]
        fired = [bool(check["exp_alerts"]) for check in checks]
        assert fired == [False, True, False], f"{alert}: not yet, now, and not any more"


def promtool(*words: str) -> str:
    """Return what promtool complains of, nothing when it is content."""
    done = subprocess.run(["promtool", *words], capture_output=True, timeout=60, check=False)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).decode()
