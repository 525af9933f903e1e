"""What one node of a kind offers, checked."""

from kit.function import Function
from schemas import InferenceClass

from compose_inference_class.compose import compose

function = Function(compose, InferenceClass)
