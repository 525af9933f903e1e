# Generated from apis/inferenceclusters/definition.yaml by packages/schemas/generate.py. Do not edit.

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from schemas.base import Condition, Metadata, Model


class Gateway(Model):
    """The gateway that replicas are reached through."""

    address: Annotated[str | None, Field(max_length=253)] = None
    """Host name or IP address of the gateway."""
    url: Annotated[str | None, Field(max_length=1024)] = None
    """How it is called, such as https://203.0.113.7."""


class Nodes(Model):
    """Nodes of all pools."""

    total: Annotated[int | None, Field(ge=0, le=100000)] = None
    """Nodes in all pools."""
    free: Annotated[int | None, Field(ge=0, le=100000)] = None
    """Nodes that no replica holds."""
    summary: Annotated[str | None, Field(max_length=32)] = None
    """Free and all nodes, such as 3/12."""


class GpuPool(Model):
    name: Annotated[str, Field(max_length=63)]
    """Name of the pool."""
    className: Annotated[str | None, Field(max_length=253)] = None
    """Its InferenceClass."""
    nodes: Annotated[int | None, Field(ge=0, le=10000)] = None
    """Nodes of the pool."""
    reserved: Annotated[int | None, Field(ge=0, le=10000)] = None
    """Nodes held by replicas."""
    free: Annotated[int | None, Field(ge=0, le=10000)] = None
    """Nodes that no replica holds."""
    waiting: Annotated[int | None, Field(ge=0, le=1000000)] = None
    """Nodes that waiting replicas ask for."""
    waitingSince: Annotated[str | None, Field(max_length=32)] = None
    """When the one that waits the longest for it began to."""
    askedAt: Annotated[str | None, Field(max_length=32)] = None
    """When the newest claim on it was made."""
    domain: Annotated[str | None, Field(max_length=63)] = None
    """Its high-speed fabric."""


class Replicas(Model):
    """Replicas by verdict."""

    granted: Annotated[int | None, Field(ge=0, le=1000000)] = None
    """Replicas that hold nodes."""
    waiting: Annotated[int | None, Field(ge=0, le=1000000)] = None
    """Replicas in the queue."""
    refused: Annotated[int | None, Field(ge=0, le=1000000)] = None
    """Replicas that can never fit."""


class Gke(Model):
    """A cluster on Google Kubernetes Engine."""

    projectID: Annotated[str, Field(max_length=253)]
    """Google Cloud project."""
    region: Annotated[str, Field(max_length=63)]
    """Region, such as europe-west4."""
    version: Annotated[str | None, Field(max_length=63)] = None
    """Kubernetes version; the channel's default when absent."""
    providerConfigName: Annotated[str, Field(max_length=253)] = "default"
    """Crossplane provider configuration to create it with."""


class Eks(Model):
    """A cluster on Amazon EKS."""

    region: Annotated[str, Field(max_length=63)]
    """Region, such as eu-central-1."""
    version: Annotated[str | None, Field(max_length=63)] = None
    """Kubernetes version; the newest tested one when absent."""
    providerConfigName: Annotated[str, Field(max_length=253)] = "default"
    """Crossplane provider configuration to create it with."""


class Taint(Model):
    key: Annotated[str, Field(max_length=316)]
    """Taint key."""
    value: Annotated[str | None, Field(max_length=63)] = None
    """Taint value."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]
    """What the taint does to pods that do not tolerate it."""


class MatchExpression(Model):
    key: Annotated[str, Field(max_length=316)]
    """Label key."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How the key relates to the values."""
    values: Annotated[list[str], Field(max_length=64)] = []
    """Values, for In and NotIn."""


class Versions(Model):
    """Versions of the charts to install; each one absent is the version tested with this release."""

    certManager: Annotated[str | None, Field(max_length=63)] = None
    """Version of the cert-manager."""
    envoyGateway: Annotated[str | None, Field(max_length=63)] = None
    """Version of the Envoy Gateway."""
    aiGateway: Annotated[str | None, Field(max_length=63)] = None
    """Version of the Envoy AI Gateway."""
    prometheus: Annotated[str | None, Field(max_length=63)] = None
    """Version of the Prometheus stack."""
    leaderWorkerSet: Annotated[str | None, Field(max_length=63)] = None
    """Version of the LeaderWorkerSet controller."""
    nodeFeatureDiscovery: Annotated[str | None, Field(max_length=63)] = None
    """Version of the Node Feature Discovery."""
    nvidiaDraDriver: Annotated[str | None, Field(max_length=63)] = None
    """Version of the NVIDIA DRA driver."""


class SecretRef(Model):
    """Secret in modelplane-system that holds the kubeconfig."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the Secret."""
    key: Annotated[str, Field(max_length=253)] = "kubeconfig"
    """Key in the Secret."""


class IdentitySecretRef(Model):
    """Secret in modelplane-system with a cloud identity that the kubeconfig needs."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the Secret."""
    key: Annotated[str, Field(max_length=253)] = "credentials"
    """Key in the Secret."""


class Cache(Model):
    """Storage for model weights."""

    storageClassName: Annotated[str, Field(max_length=253)]
    """Storage class that can be mounted by many nodes."""
    image: Annotated[str | None, Field(max_length=1024)] = None
    """Image that fills the volumes, from a registry that the cluster reaches; Modelplane's own when absent."""


class CertManager(Model):
    enabled: bool = True
    """Whether to install it; switch off what the cluster already has."""
    values: dict[str, Any] = {}
    """Helm values, merged over ours."""


class InferenceExtension(Model):
    """The definitions of InferencePool and its kin, at the version that this release carries."""

    enabled: bool = True
    """Whether to install it; switch off what the cluster already has."""


class TlsSecretRef(Model):
    """Secret of type kubernetes.io/tls."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the Secret."""


class Status(Model):
    """What was found and what is in use."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    providerConfigName: Annotated[str | None, Field(max_length=253)] = None
    """ClusterProviderConfig through which the cluster is reached."""
    gateway: Gateway | None = None
    """The gateway that replicas are reached through."""
    nodes: Nodes | None = None
    """Nodes of all pools."""
    gpuPools: Annotated[list[GpuPool], Field(max_length=8)] = []
    """Capacity by pool."""
    replicas: Replicas | None = None
    """Replicas by verdict."""
    conditions: list[Condition] = []
    """What holds now, and why not."""


class NodePool(Model):
    name: Annotated[str, Field(max_length=63)]
    """Name of the pool, unique in the cluster."""
    className: Annotated[str, Field(max_length=253)]
    """InferenceClass that tells what one node offers."""
    nodeCount: Annotated[int, Field(ge=0, le=10000)]
    """Nodes of the pool. This is its capacity."""
    minNodeCount: Annotated[int | None, Field(ge=0, le=10000)] = None
    """Fewest nodes an autoscaler may leave; shown, never counted."""
    maxNodeCount: Annotated[int | None, Field(ge=0, le=10000)] = None
    """Most nodes an autoscaler may add; headroom that is shown and never promised."""
    zones: Annotated[list[str], Field(max_length=16)] = []
    """Zones of the nodes, for information."""
    domain: Annotated[str | None, Field(max_length=63)] = None
    """Name of the high-speed fabric; prefill and decode engines share pools of one domain only."""
    nodeSelector: dict[str, str] = {}
    """Labels that the pool's nodes carry. When absent: modelplane.ai/pool with the pool's name."""
    taints: Annotated[list[Taint], Field(max_length=16)] = []
    """Taints of the nodes; engine pods placed here tolerate them."""
    drain: bool = False
    """Place no further replica on this pool; those that run stay where they are for now."""


class AllowedNamespaces(Model):
    """Namespaces whose replicas may run here; all of them when absent."""

    matchLabels: dict[str, str] = {}
    """Labels that the namespace must carry. Every namespace has kubernetes.io/metadata.name."""
    matchExpressions: Annotated[
        list[MatchExpression], Field(max_length=16)
    ] = []
    """Further conditions on the namespace's labels; all of them must hold."""


class Existing(Model):
    """How to reach a cluster that exists."""

    secretRef: SecretRef
    """Secret in modelplane-system that holds the kubeconfig."""
    identitySecretRef: IdentitySecretRef | None = None
    """Secret in modelplane-system with a cloud identity that the kubeconfig needs."""
    cache: Cache | None = None
    """Storage for model weights."""


class Components(Model):
    """Which components to install, and with which Helm values."""

    certManager: CertManager | None = None
    """The cert-manager."""
    envoyGateway: CertManager | None = None
    """The Envoy Gateway. Its chart brings the Gateway API definitions and leaves alone those that exist."""
    aiGateway: CertManager | None = None
    """The Envoy AI Gateway."""
    inferenceExtension: InferenceExtension | None = None
    """The definitions of InferencePool and its kin, at the version that this release carries."""
    prometheus: CertManager | None = None
    """The Prometheus stack."""
    leaderWorkerSet: CertManager | None = None
    """The LeaderWorkerSet controller."""
    nodeFeatureDiscovery: CertManager | None = None
    """The Node Feature Discovery."""
    nvidiaDraDriver: CertManager | None = None
    """The NVIDIA DRA driver."""


class Tls(Model):
    """Certificate of an HTTPS listener."""

    secretRef: TlsSecretRef
    """Secret of type kubernetes.io/tls."""


class Cluster(Model):
    """Where the cluster comes from."""

    source: Literal["Existing", "GKE", "EKS"]
    """Existing is a cluster that you run; GKE and EKS are created for you."""
    existing: Existing | None = None
    """How to reach a cluster that exists."""
    gke: Gke | None = None
    """A cluster on Google Kubernetes Engine."""
    eks: Eks | None = None
    """A cluster on Amazon EKS."""


class Listener(Model):
    name: Annotated[str, Field(max_length=63)]
    """Name of the listener."""
    port: Annotated[int, Field(ge=1, le=65535)]
    """Port number."""
    protocol: Literal["HTTP", "HTTPS"] = "HTTP"
    """HTTP, or HTTPS with a certificate."""
    hostname: Annotated[str | None, Field(max_length=253)] = None
    """Host that the listener serves; every host when absent."""
    tls: Tls | None = None
    """Certificate of an HTTPS listener."""


class ServingStackGateway(Model):
    """The gateway that replicas are reached through."""

    provider: Literal["EnvoyGateway", "Existing"] = "EnvoyGateway"
    """EnvoyGateway is installed by Modelplane; Existing uses one that the cluster runs."""
    className: Annotated[str | None, Field(max_length=253)] = None
    """GatewayClass to use; needed with Existing."""
    clientAuthority: Annotated[str | None, Field(max_length=16384)] = None
    """Authorities of the certificates that callers must show, so that only the control plane's gateway is let in; several while one is replaced by another."""
    listeners: Annotated[
        list[Listener], Field(max_length=16)
    ] = []
    """What the gateway listens on."""


class ServingStack(Model):
    """What to install differently from the tested defaults."""

    registry: Annotated[str | None, Field(max_length=253)] = None
    """Where all charts are taken from instead of their own repositories, such as oci://registry.example/charts; each has its own name and version there."""
    versions: Versions | None = None
    """Versions of the charts to install; each one absent is the version tested with this release."""
    components: Components | None = None
    """Which components to install, and with which Helm values."""
    gateway: ServingStackGateway | None = None
    """The gateway that replicas are reached through."""


class Spec(Model):
    """The cluster and its pools."""

    cluster: Cluster
    """Where the cluster comes from."""
    nodePools: Annotated[list[NodePool], Field(max_length=8, min_length=1)]
    """Groups of equal nodes."""
    drain: bool = False
    """Place no further replica on this cluster; those that run stay where they are for now."""
    allowedNamespaces: AllowedNamespaces | None = None
    """Namespaces whose replicas may run here; all of them when absent."""
    servingStack: ServingStack | None = None
    """What to install differently from the tested defaults."""
    crossplane: dict[str, Any] = {}
    """How Crossplane reconciles this composite."""


class InferenceCluster(Model):
    """A workload cluster and its node pools: where replicas run, and the arbiter of its capacity."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    apiVersion: Literal["modelplane.ai/v1alpha1"] = "modelplane.ai/v1alpha1"
    kind: Literal["InferenceCluster"] = "InferenceCluster"
    metadata: Metadata = Metadata()
    spec: Spec
    status: Status = Status()
