import pytest
from compose_cluster_cache import causes

TOLD = "Container hydrate for pod mp-ml-team/qwen-hydrate-x failed with exit code {} matching FailJob rule at index 0"


@pytest.mark.parametrize("code", sorted(causes.SENTENCES))
def test_each_exit_code_is_a_sentence_that_says_what_to_do(code: int) -> None:
    assert causes.told_by(TOLD.format(code)) == causes.SENTENCES[code]


def test_what_is_none_of_them_is_told_as_it_is() -> None:
    assert (
        causes.told_by("Job has reached the specified backoff limit.") == "Job has reached the specified backoff limit"
    )
    assert "exit code 137" in causes.told_by(TOLD.format(137))
