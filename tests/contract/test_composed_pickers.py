"""What is composed for each version of the picker satisfies the contract's own rules for that version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_model_route.configuration import DECIDERS, of_dialect
from contract.check import check
from contract.picker import DIALECTS, block_size

GOOD = Path(__file__).parent / "good" / "vllm-args.yaml"


@pytest.mark.parametrize("decider", DECIDERS)
@pytest.mark.parametrize("version", DIALECTS)
def test_a_composed_configuration_passes_without_a_word(version: str, decider: str) -> None:
    dialect = DIALECTS[version]
    config = of_dialect(dialect, block_size(dialect, 16), decider=decider)
    assert check(_with(dialect.version, config)) == []


@pytest.mark.parametrize("version", [v for v in DIALECTS if v != "v0.10"])
def test_a_configuration_of_another_version_does_not(version: str) -> None:
    """Or the test above would prove nothing."""
    config = of_dialect(DIALECTS["v0.10"], 64)
    config["plugins"] = [p for p in config["plugins"] if p["type"] != "disagg-profile-handler"]
    assert check(_with(DIALECTS[version].version, config)) != []


def _with(version: str, config: dict[str, Any]) -> dict[str, Any]:
    deployment: dict[str, Any] = yaml.safe_load(GOOD.read_text(encoding="utf-8"))
    deployment["spec"]["serving"]["endpointPicker"] = {"version": version, "config": config}
    return deployment
