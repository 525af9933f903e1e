import json

import pytest
from replay import trace
from replay.generate import Shape, generate
from replay.trace import Request, TraceError

GOOD = '{"timestamp": 27482, "input_length": 600, "output_length": 52, "hash_ids": [46, 47]}'


def written(tmp_path, *lines):
    file = tmp_path / "trace.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def test_a_line_as_mooncakes_traces_have_them_is_read_and_the_first_one_comes_at_once(tmp_path):
    later = GOOD.replace("27482", "28982")
    assert trace.read(written(tmp_path, later, "", GOOD)) == [
        Request(0.0, 600, 52, (46, 47)),
        Request(pytest.approx(1.5), 600, 52, (46, 47)),
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "is no JSON"),
        ("[]", "is no object"),
        (GOOD.replace("27482", "-1"), "timestamp: want milliseconds, 0 to 10000000000, not -1"),
        (GOOD.replace("27482", "NaN"), "timestamp: want milliseconds"),
        (GOOD.replace("27482", "Infinity"), "timestamp: want milliseconds"),
        (GOOD.replace("52", '"many"'), 'output_length: want a number of tokens, 1 to 10000000000, not "many"'),
        (GOOD.replace("52", "0"), "output_length"),
        (GOOD.replace("52", "10000001"), "no request is longer"),
        (GOOD.replace("input_length", "prompt"), "input_length: want a number of tokens, 1 to 10000000000, not null"),
        (GOOD.replace("47", '"x"'), "hash_ids: want a list of whole numbers"),
        (GOOD.replace("[46, 47]", "[46]"), "hash_ids: 1 ids; a prompt of 600 tokens has 2 blocks"),
    ],
)
def test_a_bad_line_is_named_with_its_field(tmp_path, line, told):
    file = written(tmp_path, GOOD, line)
    with pytest.raises(TraceError) as error:
        trace.read(file)
    assert f"{file}:2: " in str(error.value)
    assert told in str(error.value)


def test_an_empty_and_a_missing_file_are_named(tmp_path):
    for file, told in ((written(tmp_path), "holds no request"), (tmp_path / "none", "cannot be read")):
        with pytest.raises(TraceError, match=told):
            trace.read(file)


def test_equal_blocks_are_equal_text_unless_the_salt_differs():
    one, two = Request(0, 700, 1, (1, 2)), Request(0, 900, 1, (1, 3))
    first, second = trace.prompt(one, "a").split(), trace.prompt(two, "a").split()
    assert (len(first), len(second)) == (700, 900)
    assert first[:512] == second[:512]
    assert first[512:] != second[512:700]
    assert trace.prompt(one, "b").split()[:512] != first[:512]


def test_a_made_trace_is_the_same_for_the_same_seed_and_can_be_read_again(tmp_path):
    made = generate(3, Shape(seconds=30))
    assert made == generate(3, Shape(seconds=30))
    assert made != generate(4, Shape(seconds=30))
    again = trace.read(written(tmp_path, *(r.line() for r in made)))
    assert [(r.prompt_tokens, r.output_tokens, r.blocks) for r in again] == [
        (r.prompt_tokens, r.output_tokens, r.blocks) for r in made
    ]


def test_a_made_trace_has_a_busy_noon_bursts_and_shared_prefixes():
    made = generate(1, Shape(seconds=600, rate=10))
    noon = sum(200 < r.at < 400 for r in made)
    night = sum(r.at < 100 or r.at > 500 for r in made)
    assert noon > 2 * night
    found = trace.statistics(made)
    assert found.busiest > 3 * found.rate
    assert 0.3 < found.shared < 0.6
    assert all(len(r.blocks) == -(-r.prompt_tokens // trace.BLOCK) for r in made)


def test_the_busiest_window_begins_with_its_first_request():
    made = [Request(at, 10, 1, (1,)) for at in (0.0, 5.0, 5.5, 6.0, 20.0)]
    assert [r.at for r in trace.busiest(made, 2)] == [0.0, 0.5, 1.0]


def test_shared_blocks_count_only_behind_the_same_beginning():
    made = [Request(0, 1024, 1, (1, 2)), Request(1, 1024, 1, (3, 2)), Request(2, 1024, 1, (1, 2))]
    assert trace.statistics(made).shared == pytest.approx(2 / 6, abs=0.001)


def test_a_line_keeps_what_it_says():
    assert json.loads(Request(27.482, 600, 52, (46, 47)).line()) == json.loads(GOOD)
