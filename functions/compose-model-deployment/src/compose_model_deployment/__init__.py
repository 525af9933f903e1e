"""A model: its replicas placed on clusters, their addresses published."""

from kit.function import Function
from schemas import ModelDeployment

from compose_model_deployment.compose import compose

function = Function(compose, ModelDeployment)
