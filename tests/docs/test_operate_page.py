"""docs/operate.md alerts on metrics that exist, with labels that they have, and says what to do."""

import re

import yaml

from edge_agent.metrics import Metrics
from tests.docs.pages import ROOT, Page
from tests.docs.tables import read_table
from tests.unit.edge_agent.making import settings

PAGE = Page(ROOT / "docs" / "operate.md")
(RULES,) = (yaml.safe_load(block.text) for block in PAGE.blocks if block.info == ("yaml",))
ALERTS = {rule["alert"]: rule for rule in RULES["groups"][0]["rules"]}


def test_alerts_ask_for_metrics_that_exist() -> None:
    registry = Metrics(settings("a"), version="1").registry
    exposed = {sample.name for family in registry.collect() for sample in family.samples}
    # Those with labels have no sample before they count for the first time.
    exposed |= {f"{each.name}_total" for each in registry.collect() if each.type == "counter"}
    exposed |= {f"{each.name}_bucket" for each in registry.collect() if each.type == "histogram"}
    for name, rule in ALERTS.items():
        assert set(re.findall(r"\bfluid_\w+", rule["expr"])) <= exposed, name


def test_alerts_ask_for_labels_that_exist() -> None:
    page = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
    rows = read_table(page, "metric | type | labels | meaning")  # compared with the code elsewhere
    labels = set(re.findall(r"`(\w+)`", " ".join(cells[1] for cells in rows.values())))
    for name, rule in ALERTS.items():
        asked_for = set(re.findall(r"(\w+)(?:=~|!~|=|!=)\"", rule["expr"]))
        asked_for.update(re.findall(r"by \((\w+)\)", rule["expr"]))
        assert asked_for <= labels | {"job", "le"}, name


def test_every_alert_says_what_it_means_and_what_to_do() -> None:
    advice = read_table(PAGE.text, "alert | look at | usual remedy")
    advised = {name for names in advice for name in names.split(", ")}
    assert advised == set(ALERTS)
    assert all(rule["annotations"]["summary"] for rule in ALERTS.values())
