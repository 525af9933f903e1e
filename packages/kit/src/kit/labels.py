"""Labels and annotations that we own. Users may not set any under these prefixes."""

DEPLOYMENT = "modelplane.ai/deployment"
REPLICA = "modelplane.ai/replica"
ENGINE = "modelplane.ai/engine"
CLUSTER = "modelplane.ai/cluster"
TENANT = "modelplane.ai/tenant"
POOL = "modelplane.ai/pool"
NODES_OF = "modelplane.ai/nodes-of"
CACHE = "modelplane.ai/cache"
CAPACITY_CLAIM = "modelplane.ai/capacity-claim"
CAPACITY_GRANT = "modelplane.ai/capacity-grant"
COPIED = "modelplane.ai/copied-secret"
LOOK_AGAIN = "modelplane.ai/look-again"
PROOF = "modelplane.ai/proof"

# A Service selects pods by SERVING; a Deployment selects its own by WORKLOAD.
SERVING = "modelplane.ai/serving"
WORKLOAD = "modelplane.ai/workload"
# The picker's filters read ROLE; PD_ROLE is on every pod of a phase.
ROLE = "llm-d.ai/role"
PD_ROLE = "modelplane.ai/pd-role"
