"""The serving surface of a replica, by spec.serving.mode."""

from compose_model_replica.routing import prefilldecode, unified

MODES = {"Unified": unified.MODE, "PrefillDecode": prefilldecode.MODE}
