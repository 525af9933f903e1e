from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from compose_capacity_ledger import function
from kit.testing import ask_of, cases, check, reconcile

CASES = Path(__file__).parent / "cases"


@pytest.mark.parametrize("case", cases(__file__), ids=lambda path: path.stem)
def test_case(case: Path) -> None:
    """Each file in cases/ is one behaviour; its name says which."""
    check(case, function)


@pytest.mark.parametrize("what", ["replica-aaa", "objects-aaa"])
@pytest.mark.parametrize(("seconds", "looks_after"), [(5, 1.0), (60, 3.0)])
def test_what_ends_is_looked_at_every_second_at_first(what: str, seconds: float, looks_after: float) -> None:
    case = yaml.safe_load(
        (CASES / "a-vanished-claim-holds-its-nodes-while-objects-exist-keeps-what-exists.yaml").read_text()
    )
    replica = {"apiVersion": "modelplane.ai/v1alpha1", "kind": "ModelReplica"}
    case["found"]["replica-aaa"] = [{**replica, "metadata": {"name": "qwen-0", "namespace": "ml-team", "uid": "aaa"}}]
    since = datetime.now(UTC) - timedelta(seconds=seconds)
    case["found"][what][0]["metadata"]["deletionTimestamp"] = since.strftime("%Y-%m-%dT%H:%M:%SZ")
    _, answer = reconcile(function, ask_of(case))
    assert (answer.ttl_seconds, set(answer.desired)) == (looks_after, {"grant-aaa"})
