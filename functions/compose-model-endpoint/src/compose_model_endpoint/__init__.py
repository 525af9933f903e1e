"""One OpenAI-compatible address: ours, or an external provider's."""

from kit.function import Function
from schemas import ModelEndpoint

from compose_model_endpoint.compose import compose

function = Function(compose, ModelEndpoint)
