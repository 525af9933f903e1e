"""What a workload cluster must run before it can serve."""

from kit.function import Function
from schemas import ServingStack

from compose_serving_stack.compose import compose

function = Function(compose, ServingStack)
