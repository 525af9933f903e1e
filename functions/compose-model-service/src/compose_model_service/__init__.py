"""One address over the endpoints that a service selects."""

from kit.function import Function
from schemas import ModelService

from compose_model_service.compose import compose

function = Function(compose, ModelService)
