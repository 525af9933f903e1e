"""The serving surface of a replica that is split over phases: pool, picker, route."""

from kit.function import Function
from schemas import ModelRoute

from compose_model_route.compose import compose

function = Function(compose, ModelRoute)
