"""One replica of a model on its cluster: workloads, then the routing that decorates them."""

from kit.function import Function
from schemas import ModelReplica

from compose_model_replica.compose import compose

function = Function(compose, ModelReplica)
