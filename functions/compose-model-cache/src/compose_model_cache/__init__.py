"""Model weights on every cluster that needs them."""

from kit.function import Function
from schemas import ModelCache

from compose_model_cache.compose import compose

function = Function(compose, ModelCache)
