from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scheduling.capacity import Claim, Device, NodeClass
from scheduling.explain import Gate
from scheduling.match import Matched, Unmatched, match
from scheduling.needs import DeviceRequest
from scheduling.testing import ANY_GPU, gpu, memory_of, node_class, request

NIC = gpu(4, name="nic", driver="nic.example.com", deviceClassName="nic.example.com", capacity={})
FABRIC = gpu(1, name="fabric", driver="ib.example.com", deviceClassName="", claim="Synthetic", capacity={})


def test_a_request_that_two_entries_could_serve_leaves_the_only_one_to_the_other():
    devices = (gpu(1, "40Gi", "small"), gpu(1, "80Gi", "big"))
    for offered, names in product((devices, devices[::-1]), (("a", "z"), ("z", "a"))):
        asked = (request(names[0], 1, ANY_GPU), request(names[1], 1, memory_of("80Gi")))
        assert isinstance(match(asked, node_class(*offered)), Matched)


def test_counts_are_shared_by_all_requests_of_the_pod():
    asked = (request("a", 5), request("b", 4))
    assert match(asked, node_class(gpu(8))) == Unmatched(
        Gate.COUNT, "a, b", "a node of class h100 serves requests a, b one by one but not together"
    )
    assert isinstance(match(asked, node_class(gpu(9))), Matched)


def test_one_request_may_use_two_entries_of_one_device_class_but_not_of_two():
    same = node_class(gpu(2, name="a"), gpu(2, name="b"))
    other = node_class(gpu(2, name="a"), gpu(2, name="b", deviceClassName="other"))
    assert isinstance(match((request("gpu", 4),), same), Matched)
    assert match((request("gpu", 4),), other) == Unmatched(
        Gate.COUNT, "gpu", "request gpu needs 4 devices of one device class, a node of class h100 has 2", needs=4, has=2
    )


def test_the_device_class_is_chosen_so_that_all_requests_are_served():
    offers = node_class(gpu(2, name="a", deviceClassName="alpha"), gpu(4, "40Gi", name="b", deviceClassName="beta"))
    answer = match((request("free", 2), request("big", 2, memory_of("80Gi"))), offers)
    assert isinstance(answer, Matched)
    assert {each.name: each.device_class_name for each in answer.requests} == {"big": "alpha", "free": "beta"}


def test_a_synthetic_device_is_matched_and_marked_as_not_claimed():
    asked = (request("gpu", 8), request("ib", 1, 'device.driver == "ib.example.com"'))
    answer = match(asked, node_class(gpu(), NIC, FABRIC))
    assert isinstance(answer, Matched)
    assert [(each.name, each.claim, each.device_class_name) for each in answer.requests] == [
        ("gpu", Claim.DRA, "gpu.nvidia.com"),
        ("ib", Claim.SYNTHETIC, ""),
    ]


def test_a_device_that_can_be_claimed_is_preferred_to_a_synthetic_one():
    offers = node_class(gpu(1, name="a", claim="Synthetic"), gpu(1, name="b"))
    answer = match((request(),), offers)
    assert isinstance(answer, Matched)
    assert answer.requests[0].claim is Claim.DRA


def test_refusal_shows_the_expression_and_what_the_nearest_device_has():
    answer = match((request("gpu", 1, ANY_GPU, memory_of("96Gi")),), node_class(NIC, gpu()))
    assert isinstance(answer, Unmatched)
    assert (answer.gate, answer.expression) == (Gate.DEVICE, memory_of("96Gi"))
    assert answer.seen == ("gpu.nvidia.com/memory: 80Gi",)
    assert "device gpu has gpu.nvidia.com/memory: 80Gi" in answer.message


@pytest.mark.parametrize(
    ("offers", "message"),
    [
        pytest.param(NodeClass("cpu"), "class cpu has no devices", id="empty-class"),
        pytest.param(
            node_class(NIC),
            'class h100 has no device for request gpu: device.driver == "gpu.nvidia.com"'
            " (device nic has driver: nic.example.com)",
            id="other-devices",
        ),
    ],
)
def test_refusal_is_a_sentence(offers, message):
    answer = match((request(),), offers)
    assert isinstance(answer, Unmatched)
    assert answer.message == message


def _brute_force(requests: tuple[DeviceRequest, ...], wants: list[set[int]], devices: tuple[Device, ...]) -> bool:
    """Every device unit to every request or none; only for very small cases."""
    units = [index for index, device in enumerate(devices) for _ in range(device.count)]
    for owners in product(range(-1, len(requests)), repeat=len(units)):
        held: list[list[int]] = [[] for _ in requests]
        for unit, owner in zip(units, owners, strict=True):
            if owner >= 0:
                held[owner].append(unit)
        if all(
            len(mine) == each.count
            and set(mine) <= wanted
            and len({devices[index].device_class_name for index in mine}) == 1
            for mine, each, wanted in zip(held, requests, wants, strict=True)
        ):
            return True
    return False


@given(
    st.lists(st.tuples(st.integers(1, 2), st.sampled_from("xy")), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(1, 3), st.sets(st.integers(0, 2), min_size=1)), min_size=1, max_size=3),
    st.randoms(use_true_random=False),
)
def test_matching_equals_brute_force_and_ignores_order(entries, asks, random):
    devices = tuple(
        gpu(count, name=f"d{index}", deviceClassName=kind, attributes={"n": {"int": index}})
        for index, (count, kind) in enumerate(entries)
    )
    attribute = 'device.attributes["gpu.nvidia.com"].n'
    requests = tuple(
        request(f"r{index}", count, f"{attribute} in {sorted(wanted)}") for index, (count, wanted) in enumerate(asks)
    )
    answer = match(requests, node_class(*devices))
    assert isinstance(answer, Matched) == _brute_force(requests, [wanted for _, wanted in asks], devices)
    shuffled = tuple(random.sample(requests, len(requests)))
    assert match(shuffled, node_class(*devices)) == answer
