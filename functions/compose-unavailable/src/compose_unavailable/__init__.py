"""Kinds whose function is not part of this version say so."""

from kit.function import Function
from schemas import InferenceGateway, ModelService

from compose_unavailable.compose import compose

function = Function(compose, InferenceGateway, ModelService)
