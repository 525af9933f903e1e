"""One model's weights on one workload cluster."""

from kit.function import Function
from schemas import ClusterCache

from compose_cluster_cache.compose import compose

function = Function(compose, ClusterCache)
