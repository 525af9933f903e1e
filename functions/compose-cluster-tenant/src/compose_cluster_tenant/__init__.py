"""One tenant's namespace on one workload cluster."""

from kit.function import Function
from schemas import ClusterTenant

from compose_cluster_tenant.compose import compose

function = Function(compose, ClusterTenant)
