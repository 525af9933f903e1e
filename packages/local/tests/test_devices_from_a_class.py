from __future__ import annotations

import pytest
from local.fleet.devices import device_classes, slices
from local.fleet.nodes import Node

GPU = {
    "name": "gpu",
    "claim": "DRA",
    "driver": "gpu.nvidia.com",
    "deviceClassName": "gpu.nvidia.com",
    "count": 2,
    "attributes": {"productName": {"string": "H100"}, "gpu.nvidia.com/mig": {"bool": False}},
    "capacity": {"memory": {"value": "80Gi"}},
}
NIC = {"name": "nic", "claim": "Synthetic", "driver": "nic.example.com", "attributes": {"speed": {"int": 400}}}


def of(*devices):
    return {"spec": {"devices": list(devices)}}


def test_each_node_gets_a_slice_with_every_copy_of_the_device():
    made = slices([Node("a", "h100"), Node("b", "h100")], {"h100": of(GPU, NIC)})
    facts = {"attributes": GPU["attributes"], "capacity": GPU["capacity"]}
    expected = {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceSlice",
        "metadata": {"name": "a-gpu.nvidia.com"},
        "spec": {
            "driver": "gpu.nvidia.com",
            "nodeName": "a",
            "pool": {"name": "a", "generation": 1, "resourceSliceCount": 1},
            "devices": [{"name": "gpu-0", **facts}, {"name": "gpu-1", **facts}],
        },
    }
    assert expected == made[0]
    assert [m["spec"]["nodeName"] for m in made] == ["a", "b"]


def test_devices_of_one_driver_share_a_slice():
    made = slices([Node("a", "c")], {"c": of(GPU, {**GPU, "name": "big"})})
    assert [[d["name"] for d in m["spec"]["devices"]] for m in made] == [["gpu-0", "gpu-1", "big-0", "big-1"]]


def test_more_devices_than_a_slice_holds_make_several():
    made = slices([Node("a", "c")], {"c": of({**GPU, "count": 128}, {**GPU, "name": "x", "count": 3})})
    assert [len(m["spec"]["devices"]) for m in made] == [128, 3]
    assert [m["spec"]["pool"]["resourceSliceCount"] for m in made] == [2, 2]
    assert len({m["metadata"]["name"] for m in made}) == 2


@pytest.mark.parametrize(
    "classes",
    [
        pytest.param({}, id="no-class"),
        pytest.param({"c": {"spec": {}}}, id="no-devices"),
        pytest.param({"c": of(NIC)}, id="synthetic-only"),
    ],
)
def test_what_cannot_be_claimed_is_not_published(classes):
    assert slices([Node("a", "c")], classes) == []


def test_a_long_device_name_stays_a_dns_label():
    made = slices([Node("a", "c")], {"c": of({**GPU, "name": "g" * 63, "count": 128})})
    assert max(len(d["name"]) for d in made[0]["spec"]["devices"]) <= 63


def test_a_device_class_selects_every_driver_of_its_name():
    other = {**GPU, "driver": "gpu.amd.com"}
    found = device_classes([of(GPU, NIC), of(other), of(GPU)])
    assert [m["metadata"]["name"] for m in found] == ["gpu.nvidia.com"]
    expression = 'device.driver == "gpu.amd.com" || device.driver == "gpu.nvidia.com"'
    assert expression == found[0]["spec"]["selectors"][0]["cel"]["expression"]
