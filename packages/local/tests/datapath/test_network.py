"""Names and addresses that are their own record, and when there is no data path."""

from __future__ import annotations

import json

import pytest
from local import control
from local.datapath import network
from local.datapath.network import Addresses, Network
from local.errors import LocalError, RefusedError
from local.state import Plan


def test_a_link_name_fits_and_tells_whose_it_is():
    """The kernel takes 15 characters."""
    longest = Network(254, 16)
    assert longest.namespace(longest.address(254)) == "mp254-16-254"
    assert len(longest.namespace(longest.address(254))) <= 15
    assert not longest.namespace(longest.address(10)).startswith(f"{Network(254, 1).bridge}-")


def test_an_address_that_was_given_back_is_used_last():
    free = Addresses(Network(200, 1))
    first = free.take()
    free.give_back(first)
    taken = [free.take() for _ in range(245)]
    assert taken[-1] == first == "10.200.1.10"
    assert len(set(taken)) == 245
    with pytest.raises(LocalError, match="Every pod address"):
        free.take()


def test_a_number_that_is_in_use_is_not_taken_nor_one_that_somebody_takes_at_this_moment(monkeypatch):
    links = [
        {"ifname": "mp200-1", "addr_info": []},
        {"ifname": "eth0", "addr_info": [{"local": "10.201.7.7"}]},
    ]

    def ip(*words):
        if "mp203-0" in words:
            raise LocalError("File exists")
        return json.dumps(links)

    monkeypatch.setattr(network, "_ip", ip)
    monkeypatch.setattr(network, "namespaces", lambda: ["mp202-1-10", "other"])
    assert network.take() == 204


def test_without_root_one_sentence_says_so(monkeypatch):
    monkeypatch.setattr(network.os, "geteuid", lambda: 1000)
    with pytest.raises(RefusedError, match="run it as root") as e:
        network.check()
    assert e.value.exit_code == 2


def test_a_program_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(network.os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RefusedError, match=r"needs ip, nsenter, .* install the packages iproute2 and util-linux"):
        network.check()


def test_pods_that_are_played_are_not_run_later():
    """KWOK already has what nodes and pods there are."""
    options = control.Options(data_path=True)
    with pytest.raises(RefusedError, match="`modelplane down` first"):
        control._plan(Plan(ports={"etcd": 1}), options)
    assert control._plan(Plan(), options).clusters == 1
    assert control._plan(Plan(ports={"etcd": 1}, network=200), options).network == 200


@pytest.mark.parametrize(
    ("plan", "asked", "told"),
    [
        (Plan(), {"envoy_alone": True}, "give --data-path too"),
        (
            Plan(ports={"etcd": 1}, network=200, gateways=True),
            {"data_path": True, "envoy_alone": True},
            "run `modelplane down`",
        ),
    ],
)
def test_envoy_alone_is_chosen_when_pods_begin_to_run(plan, asked, told):
    with pytest.raises(RefusedError, match=told):
        control._plan(plan, control.Options(**asked))


def test_gateways_run_where_pods_run_unless_envoy_alone_is_asked_for():
    assert control._plan(Plan(), control.Options(data_path=True)).gateways
    assert not control._plan(Plan(), control.Options(data_path=True, envoy_alone=True)).gateways
    assert not control._plan(Plan(), control.Options()).gateways
    alone = Plan(ports={"etcd": 1}, network=200)
    assert control._plan(alone, control.Options(data_path=True)) == alone
