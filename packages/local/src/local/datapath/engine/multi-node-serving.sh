#!/bin/sh
# What is called multi-node-serving.sh in vLLM's image: forms a gang as Ray does.
PYTHONPATH="$LOCAL_ENGINE_PATH" exec "$LOCAL_ENGINE_PYTHON" -m local.datapath.engine.gang "$@"
