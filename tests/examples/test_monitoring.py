"""What Prometheus is told to ask for, and Grafana to show, is what agents say."""

import json
import re
import shutil
import subprocess
import urllib.request
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from fluid import FluidClient
from tests.examples.conftest import MeteredCluster
from tests.examples.running import EXAMPLES, ROOT
from tests.integration.harness.agents import TIMEOUT_S
from tests.processes import wait_until

pytestmark = [pytest.mark.examples, pytest.mark.timeout(900)]
FOLDER = EXAMPLES / "monitoring"
# Prometheus adds who was asked.
ADDED_LABELS = {"job", "instance"}
_METRIC = re.compile(r"\b((?:fluid|process)_\w+)(?:\{([^}]*)\})?")
_LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_GROUPING = re.compile(r"\bby \(([^)]*)\)")

Labels = dict[str, set[str]]


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / "grafana-dashboard.json").read_text("utf-8"))
    return document


@pytest.fixture(scope="module")
def labels(cluster: MeteredCluster, photo_of: dict[str, Path]) -> Labels:
    """The labels of each metric of agents that have answered something."""
    with FluidClient(cluster.broker.url) as client:
        client.infer(photo_of["red"])
    found: Labels = {}

    def is_counted() -> bool:  # which is done after the broker has the answer
        for port in cluster.ports.values():
            for name, labels in _scraped(port).items():
                found.setdefault(name, set()).update(labels)
        return "fluid_requests_total" in found

    wait_until(is_counted, timeout_s=TIMEOUT_S, what="no agent has counted an answer")
    return found


def _scraped(port: int) -> Labels:
    url = f"http://127.0.0.1:{port}/metrics"
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:
        text = response.read().decode()
    labels: Labels = defaultdict(set)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels[sample.name] |= sample.labels.keys()
    return labels


def _queries(dashboard: dict[str, Any]) -> list[tuple[str, str]]:
    """Each query with its legend."""
    return [
        (target["expr"], target["legendFormat"])
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]


def test_each_query_asks_for_metrics_and_labels_that_an_agent_has(
    dashboard: dict[str, Any], labels: Labels
) -> None:
    queries = _queries(dashboard)
    assert len(queries) >= len(dashboard["panels"]) > 0
    for expression, legend in queries:
        metrics = _METRIC.findall(expression)
        assert metrics, expression
        known = set(ADDED_LABELS)
        for metric, selector in metrics:
            assert metric in labels, expression
            has = labels[metric] | ADDED_LABELS
            assert set(_LABEL.findall(selector)) <= has, expression
            assert 'job="fluid"' in selector, expression
            known |= has
        grouped = {
            label.strip() for group in _GROUPING.findall(expression) for label in group.split(",")
        }
        assert grouped <= known, expression
        shown = set(re.findall(r"\{\{(\w+)\}\}", legend))
        assert shown <= (grouped or known), expression


def test_panels_do_not_overlap_and_say_what_they_show(dashboard: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["title"]
        assert panel["description"]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_prometheus_is_told_the_port_and_path_that_the_agents_are_told() -> None:
    (job,) = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    assert (job["job_name"], job["metrics_path"]) == ("fluid", "/metrics")
    ports = {target.rpartition(":")[2] for target in job["static_configs"][0]["targets"]}
    page = (ROOT / "docs" / "observability.md").read_text("utf-8")
    assert ports == set(re.findall(r"--metrics-port (\d+)", page))
    (port,) = ports
    assert f"--metrics-port {port} --metrics-host 0.0.0.0" in (FOLDER / "README.md").read_text()


def test_prometheus_takes_the_configuration_and_the_queries(
    dashboard: dict[str, Any], tmp_path: Path
) -> None:
    if shutil.which("promtool") is None:
        # Also where all examples are required: the dashboard needs it no more than an agent does.
        pytest.skip("promtool is not installed: it comes with Prometheus")
    rules = [
        {"record": f"query:{number}", "expr": re.sub(r"\$__rate_interval", "1m", expression)}
        for number, (expression, _) in enumerate(_queries(dashboard))
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    for command in (
        ["check", "config", str(FOLDER / "prometheus.yml")],
        ["check", "rules", str(file)],
    ):
        subprocess.run(["promtool", *command], check=True, timeout=TIMEOUT_S)
