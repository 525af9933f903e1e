"""Who holds the nodes of one cluster, and who waits for them."""

from kit.function import Function
from schemas import CapacityLedger

from compose_capacity_ledger.compose import compose

function = Function(compose, CapacityLedger)
