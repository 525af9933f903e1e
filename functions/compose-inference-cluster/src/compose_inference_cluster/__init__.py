"""A workload cluster: how to reach it, what it offers, whose namespaces it holds."""

from kit.function import Function
from schemas import InferenceCluster

from compose_inference_cluster.compose import compose

function = Function(compose, InferenceCluster)
