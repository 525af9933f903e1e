"""What `prove` counts of engines and pickers, from the metrics that they tell."""

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
