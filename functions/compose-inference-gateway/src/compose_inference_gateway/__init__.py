"""The gateway on the control plane that all ModelServices are published through."""

from kit.function import Function
from schemas import InferenceGateway

from compose_inference_gateway.compose import compose

function = Function(compose, InferenceGateway)
