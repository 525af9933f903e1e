from pathlib import Path

import pytest
from compose_cluster_cache import function
from kit.testing import cases, check


@pytest.mark.parametrize("case", cases(__file__), ids=lambda path: path.stem)
def test_case(case: Path) -> None:
    """Each file in cases/ is one behaviour; its name says which."""
    check(case, function)
