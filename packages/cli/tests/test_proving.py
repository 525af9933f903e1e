"""What `prove` counts of engines and pickers, from the metrics that they tell."""

import itertools

import pytest
from cli import proving

POD = {"metadata": {"namespace": "mp-default", "name": "picker-0"}, "spec": {"containers": []}}
OLD = 'llm_d_inference_scheduler_disagg_decision_total{decision_type="prefill-decode"} 3\n'
NEW = OLD.replace("llm_d_inference_scheduler", "llm_d_epp")


class Metrics:
    """A cluster whose pods all tell the same."""

    def __init__(self, text):
        self.text = text

    def raw(self, _path):
        return self.text


def decided(text):
    return proving.count(Metrics(text), proving.Pods([], [], [POD])).counters.decided


def test_a_decision_counts_once_also_where_the_picker_tells_it_under_two_names():
    assert [decided(text) for text in (OLD, NEW, NEW + OLD, "")] == [3, 3, 3, 0]


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        pytest.param([(200, "{}")], 1, id="at-once"),
        pytest.param([(404, ""), (500, ""), (503, "no healthy upstream"), (200, "{}")], 4, id="a-replica-just-ready"),
        pytest.param([(500, "NIXL handshake failed")], 1, id="an-engine-is-not-asked-again"),
        pytest.param([(0, "timed out")], 1, id="nor-one-that-hangs"),
        pytest.param([(503, "")], 21, id="never"),
    ],
)
def test_a_route_has_the_time_that_envoy_needs_to_follow_it(answers, asked, monkeypatch):
    left, clock, times = iter(answers), itertools.count(step=0.5), []
    monkeypatch.setattr(proving.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(proving.time, "sleep", lambda _: None)

    def ask(_target, _body):
        times.append(1)
        return next(left, answers[-1])

    monkeypatch.setattr(proving, "ask", ask)
    assert (proving._followed(None, {}), len(times)) == (answers[-1], asked)
