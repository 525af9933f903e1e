# Generated from apis/modeldeployments/definition.yaml by packages/schemas/generate.py. Do not edit.

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from schemas.base import Condition, Metadata, Model


class ClusterSelector(Model):
    """Clusters that may hold replicas; all of them when absent."""

    matchLabels: dict[str, str]
    """Labels that must all be present with these values."""


class ModelCacheRef(Model):
    """ModelCache in the same namespace whose weights are mounted at /mnt/models."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the ModelCache."""


class Rollout(Model):
    """How a change reaches the running replicas."""

    maxUnavailable: Annotated[int, Field(ge=1, le=64)] = 1
    """Replicas that may be down at the same time while a change rolls."""
    drainSeconds: Annotated[int, Field(ge=0, le=3600)] = 30
    """Seconds between the withdrawal of a replica's endpoint and its end."""


class Replicas(Model):
    """How many replicas there are."""

    total: Annotated[int | None, Field(ge=0, le=4096)] = None
    """Replicas that exist."""
    ready: Annotated[int | None, Field(ge=0, le=4096)] = None
    """Replicas that serve."""
    summary: Annotated[str | None, Field(max_length=32)] = None
    """Ready and wanted replicas, such as 1/2."""
    updated: Annotated[str | None, Field(max_length=32)] = None
    """Replicas whose spec is the present one and wanted ones, such as 1/2."""
    disaggregating: Annotated[str | None, Field(max_length=32)] = None
    """Replicas whose prefill is remote and wanted ones, such as 1/2; absent under Unified."""


class Placement(Model):
    replica: Annotated[str, Field(max_length=253)]
    """Name of the ModelReplica."""
    cluster: Annotated[str, Field(max_length=253)]
    """Name of its InferenceCluster."""
    ready: bool | None = None
    """Whether it serves."""
    offer: Annotated[str | None, Field(max_length=32)] = None
    """What the cluster offered when PlacementCurrent was last judged."""


class Turn(Model):
    replica: Annotated[str, Field(max_length=253)]
    """Name of the ModelReplica."""
    change: Literal["Update", "Replace", "Remove"]
    """Update changes it where it is; Replace has another one serve first; Remove ends it."""
    replacement: Annotated[str | None, Field(max_length=253)] = None
    """Name of the ModelReplica that serves first."""
    revision: Annotated[int | None, Field(ge=1, le=1000000000)] = None
    """The spec.revision that it is given; what is seen of it is of before until then."""
    since: Annotated[str | None, Field(max_length=32)] = None
    """When its endpoint was seen to be gone; it drains from then on."""


class Rescheduled(Model):
    """What the annotation modelplane.ai/reschedule was last judged for."""

    value: Annotated[str, Field(max_length=4096)]
    """Value of the annotation."""
    replicas: Annotated[list[str], Field(max_length=128)] = []
    """Names of the ModelReplicas that are still to move."""


class Contract(Model):
    id: Annotated[str, Field(max_length=63)]
    """Id of the rule, as in docs/reference/contract.md."""
    severity: Literal["Error", "Warning"]
    """An error lets nothing new be composed."""
    field: Annotated[str | None, Field(max_length=512)] = None
    """Where the deployment is wrong."""
    message: Annotated[str | None, Field(max_length=1024)] = None
    """What is wrong and what to do."""
    silenced: bool | None = None
    """Whether the annotation modelplane.ai/contract-ignore silences it."""


class Disaggregation(Model):
    """When and how prefill is done remotely; only under PrefillDecode."""

    decider: Literal["PrefixBased", "Always"] = "PrefixBased"
    """PrefixBased prefills remotely when enough of the prompt is not cached; Always does so for each request."""
    nonCachedTokens: Annotated[int | None, Field(ge=1, le=1048576)] = None
    """PrefixBased: prompt tokens not cached on the decode pod from which prefill is remote. The picker's block size when absent."""
    blockSizeTokens: Annotated[int | None, Field(ge=1, le=65536)] = None
    """Tokens per KV block; read from the decode engine's flags when absent."""
    connector: Literal["NixlV2", "SGLang", "Mooncake"] = "NixlV2"
    """How KV blocks travel between the engines. Your engine flags must name the same."""


class Cluster(Model):
    name: Annotated[str, Field(max_length=253)]
    """Name of the InferenceCluster."""
    gate: Annotated[str, Field(max_length=63)]
    """The first check that failed, such as Label, Drain, Device or Nodes."""
    message: Annotated[str | None, Field(max_length=1024)] = None
    """What was needed and what was found."""


class Queue(Model):
    """The queue that a replica waits in."""

    cluster: Annotated[str, Field(max_length=253)]
    """Name of the InferenceCluster."""
    position: Annotated[int | None, Field(ge=1, le=1000000)] = None
    """Place in its queue, from 1."""
    left: Annotated[str | None, Field(max_length=253)] = None
    """A cluster with free nodes that are left to those that have waited longer, for ten seconds."""
    leftAt: Annotated[str | None, Field(max_length=32)] = None
    """Since when they are."""


class Resources(Model):
    requests: dict[str, int | str] = {}
    """What the scheduler sets aside, by resource name."""
    limits: dict[str, int | str] = {}
    """What the container may use at most, by resource name."""


class Worker(Model):
    """How many nodes help the leader; only on a member with role: Worker."""

    nodes: Annotated[int, Field(ge=1, le=63)]
    """Worker pods of one engine, one per node; the leader comes on top."""


class TemplateMetadata(Model):
    """Labels and annotations of the pods."""

    labels: dict[str, str] = {}
    """Labels of the pods, besides those that Modelplane sets."""
    annotations: dict[str, str] = {}
    """Annotations of the pods, besides those that Modelplane sets."""


class Selector(Model):
    cel: Annotated[str, Field(max_length=10240)]
    """A CEL expression on device, in Kubernetes' DRA dialect, such as device.driver == "gpu.nvidia.com"."""


class ImagePullSecret(Model):
    name: Annotated[str, Field(max_length=253)]
    """Name of the Secret."""


class Toleration(Model):
    key: Annotated[str | None, Field(max_length=316)] = None
    """Taint key; every key when absent."""
    operator: Literal["Exists", "Equal"] | None = None
    """Whether the value counts."""
    value: Annotated[str | None, Field(max_length=63)] = None
    """Taint value, for operator Equal."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Taint effect; every effect when absent."""
    tolerationSeconds: Annotated[int | None, Field(ge=0, le=31536000)] = None
    """How long a NoExecute taint is tolerated; for ever when absent."""


class Port(Model):
    name: Annotated[str | None, Field(max_length=15)] = None
    """Name that probes can refer to."""
    containerPort: Annotated[int, Field(ge=1, le=65535)]
    """Port number."""
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"
    """Protocol of the port."""


class VolumeMount(Model):
    name: Annotated[str, Field(max_length=63)]
    """Name of the volume."""
    mountPath: Annotated[str, Field(max_length=1024)]
    """Absolute path in the container."""
    readOnly: bool | None = None
    """Mount it read-only."""
    subPath: Annotated[str | None, Field(max_length=1024)] = None
    """Path inside the volume to mount instead of its root."""
    subPathExpr: Annotated[str | None, Field(max_length=1024)] = None
    """Like subPath, with $(VARIABLE) replaced from env."""
    mountPropagation: Literal["None", "HostToContainer"] | None = None
    """Whether mounts made on the node show up in the container."""


class EmptyDir(Model):
    """Scratch space that lives as long as the pod."""

    medium: Literal["", "Memory"] | None = None
    """Empty for the node's disk, Memory for RAM."""
    sizeLimit: int | str | None = None
    """Size at which the pod is evicted."""


class PersistentVolumeClaim(Model):
    """A claim that exists in the tenant's namespace on the cluster."""

    claimName: Annotated[str, Field(max_length=253)]
    """Name of the claim."""
    readOnly: bool | None = None
    """Mount it read-only everywhere."""


class SeLinuxOptions(Model):
    user: Annotated[str | None, Field(max_length=253)] = None
    """SELinux user."""
    role: Annotated[str | None, Field(max_length=253)] = None
    """SELinux role."""
    type: Annotated[str | None, Field(max_length=253)] = None
    """SELinux type."""
    level: Annotated[str | None, Field(max_length=253)] = None
    """SELinux level."""


class SeccompProfile(Model):
    type: Literal["RuntimeDefault", "Unconfined", "Localhost"]
    """Which profile to use."""
    localhostProfile: Annotated[str | None, Field(max_length=1024)] = None
    """Profile file on the node, for type Localhost."""


class AppArmorProfile(Model):
    type: Literal["RuntimeDefault", "Unconfined", "Localhost"]
    """Which profile to use."""
    localhostProfile: Annotated[str | None, Field(max_length=1024)] = None
    """Profile loaded on the node, for type Localhost."""


class Sysctl(Model):
    name: Annotated[str, Field(max_length=253)]
    """Name of the parameter."""
    value: Annotated[str, Field(max_length=253)]
    """Value to set."""


class ConfigMapRef(Model):
    """ConfigMap to take the keys from."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the ConfigMap."""
    optional: bool | None = None
    """Start the container also while it does not exist."""


class SecretRef(Model):
    """Secret to take the keys from."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the Secret."""
    optional: bool | None = None
    """Start the container also while it does not exist."""


class Exec(Model):
    command: Annotated[list[str], Field(max_length=64)]
    """The command and its arguments, without a shell."""


class TcpSocket(Model):
    """A TCP connection; an open port is a success."""

    port: int | str
    """Port by number or by the name of a container port."""
    host: Annotated[str | None, Field(max_length=253)] = None
    """Host to connect to; the pod's address when absent."""


class Grpc(Model):
    """A call of the gRPC health protocol."""

    port: Annotated[int, Field(ge=1, le=65535)]
    """Port of the gRPC server."""
    service: Annotated[str | None, Field(max_length=253)] = None
    """Service name to ask for; the server as a whole when absent."""


class Capabilities(Model):
    """Linux capabilities, such as IPC_LOCK for RDMA."""

    add: Annotated[list[str], Field(max_length=64)] = []
    """Capabilities to add."""
    drop: Annotated[list[str], Field(max_length=64)] = []
    """Capabilities to take away."""


class Item(Model):
    key: Annotated[str, Field(max_length=253)]
    """Key to take."""
    path: Annotated[str, Field(max_length=1024)]
    """File to write it to, relative to the mount."""
    mode: Annotated[int | None, Field(ge=0, le=511)] = None
    """Permission bits of this file, in decimal (420 is 0644)."""


class SecretKeyRef(Model):
    """One key of a Secret, the usual place for tokens."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the Secret, in the tenant's namespace on the cluster."""
    key: Annotated[str, Field(max_length=253)]
    """Key in the Secret whose value is taken."""
    optional: bool | None = None
    """Start the container also while the Secret or the key does not exist."""


class ConfigMapKeyRef(Model):
    """One key of a ConfigMap."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the ConfigMap, in the tenant's namespace on the cluster."""
    key: Annotated[str, Field(max_length=253)]
    """Key in the ConfigMap whose value is taken."""
    optional: bool | None = None
    """Start the container also while the ConfigMap or the key does not exist."""


class FieldRef(Model):
    """A field of the pod itself, such as status.podIP."""

    fieldPath: Annotated[str, Field(max_length=253)]
    """Path of the field, such as status.podIP, spec.nodeName or metadata.labels['team']."""
    apiVersion: Annotated[str | None, Field(max_length=63)] = None
    """API version that the path is written for; v1 when absent."""


class ResourceFieldRef(Model):
    """A resource limit or request of a container."""

    resource: Annotated[str, Field(max_length=63)]
    """Resource to read, such as limits.memory."""
    containerName: Annotated[str | None, Field(max_length=63)] = None
    """Container to read it from; this one when absent."""
    divisor: int | str | None = None
    """Unit of the result, such as 1Mi; 1 when absent."""


class HttpHeader(Model):
    name: Annotated[str, Field(max_length=253)]
    """Name of the header."""
    value: Annotated[str, Field(max_length=4096)]
    """Value of the header."""


class Sleep(Model):
    """A pause."""

    seconds: Annotated[int, Field(ge=0, le=86400)]
    """How long to wait."""


class VolumeClaimTemplateMetadata(Model):
    """Labels and annotations of the claim."""

    labels: dict[str, str] = {}
    """Labels of the claim."""
    annotations: dict[str, str] = {}
    """Annotations of the claim."""


class VolumeClaimTemplateSpecResources(Model):
    """Size of the volume."""

    requests: dict[str, int | str]
    """Requested size, under the key storage."""


class Scheduling(Model):
    """Why replicas are not placed; absent when all are."""

    message: Annotated[str | None, Field(max_length=4096)] = None
    """The reason in one sentence."""
    checked: Annotated[int | None, Field(ge=0, le=1000000)] = None
    """Clusters that were looked at."""
    clusters: Annotated[list[Cluster], Field(max_length=8)] = []
    """The first clusters that refused, and why."""
    queue: Queue | None = None
    """The queue that a replica waits in."""


class Sidecar(Model):
    """The proxy beside each decode engine; only under PrefillDecode."""

    image: Annotated[str | None, Field(max_length=1024)] = None
    """Image of the sidecar; the version tested with this release when absent."""
    resources: Resources | None = None
    """CPU and memory of the sidecar."""


class EndpointPicker(Model):
    """The endpoint picker that chooses the pods; only under PrefillDecode."""

    image: Annotated[str | None, Field(max_length=1024)] = None
    """Image of the picker; the version tested with this release when absent."""
    version: Annotated[str | None, Field(max_length=63)] = None
    """Version whose configuration dialect the image speaks, such as v0.10.0; only when its tag cannot tell."""
    replicas: Annotated[int, Field(ge=1, le=8)] = 1
    """Copies of the picker."""
    resources: Resources | None = None
    """CPU and memory of the picker."""
    config: dict[str, Any] = {}
    """A whole EndpointPickerConfig, used as it is and still checked."""


class Device(Model):
    name: Annotated[str, Field(max_length=63)]
    """Name of the request, such as gpu."""
    count: Annotated[int, Field(ge=1, le=32)] = 1
    """How many such devices each pod needs."""
    selectors: Annotated[list[Selector], Field(max_length=8, min_length=1)]
    """Conditions on the device; all of them must hold."""


class SecurityContext(Model):
    """Security settings of all containers of the pod."""

    runAsUser: Annotated[int | None, Field(ge=0, le=2147483647)] = None
    """User id of the process."""
    runAsGroup: Annotated[int | None, Field(ge=0, le=2147483647)] = None
    """Group id of the process."""
    runAsNonRoot: bool | None = None
    """Refuse to start as root."""
    seLinuxOptions: SeLinuxOptions | None = None
    """SELinux labels of the process."""
    seccompProfile: SeccompProfile | None = None
    """System call filter."""
    appArmorProfile: AppArmorProfile | None = None
    """AppArmor profile."""
    fsGroup: Annotated[int | None, Field(ge=0, le=2147483647)] = None
    """Group that owns the volumes."""
    fsGroupChangePolicy: Literal["OnRootMismatch", "Always"] | None = None
    """When to change the ownership of a volume."""
    supplementalGroups: Annotated[list[int], Field(max_length=32)] = []
    """Further groups of the processes."""
    supplementalGroupsPolicy: Literal["Merge", "Strict"] | None = None
    """Whether groups of the image are merged in."""
    sysctls: Annotated[list[Sysctl], Field(max_length=32)] = []
    """Kernel parameters of the pod."""


class EnvFrom(Model):
    prefix: Annotated[str | None, Field(max_length=128)] = None
    """Text put in front of each key."""
    configMapRef: ConfigMapRef | None = None
    """ConfigMap to take the keys from."""
    secretRef: SecretRef | None = None
    """Secret to take the keys from."""


class ContainerSecurityContext(Model):
    """Security settings of this container; they win over the pod's."""

    runAsUser: Annotated[int | None, Field(ge=0, le=2147483647)] = None
    """User id of the process."""
    runAsGroup: Annotated[int | None, Field(ge=0, le=2147483647)] = None
    """Group id of the process."""
    runAsNonRoot: bool | None = None
    """Refuse to start as root."""
    seLinuxOptions: SeLinuxOptions | None = None
    """SELinux labels of the process."""
    seccompProfile: SeccompProfile | None = None
    """System call filter."""
    appArmorProfile: AppArmorProfile | None = None
    """AppArmor profile."""
    privileged: bool | None = None
    """Run with all rights on the node."""
    allowPrivilegeEscalation: bool | None = None
    """Let a process gain more rights than its parent."""
    readOnlyRootFilesystem: bool | None = None
    """Mount the root file system read-only."""
    capabilities: Capabilities | None = None
    """Linux capabilities, such as IPC_LOCK for RDMA."""


class ConfigMap(Model):
    """Keys of a ConfigMap as files."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the ConfigMap."""
    items: Annotated[list[Item], Field(max_length=64)] = []
    """Keys to write as files; all keys when absent."""
    defaultMode: Annotated[int | None, Field(ge=0, le=511)] = None
    """Permission bits of the files, in decimal; Kubernetes uses 420 (0644) when absent."""
    optional: bool | None = None
    """Start the pod also while it does not exist."""


class Secret(Model):
    """Keys of a Secret as files."""

    secretName: Annotated[str, Field(max_length=253)]
    """Name of the Secret."""
    items: Annotated[list[Item], Field(max_length=64)] = []
    """Keys to write as files; all keys when absent."""
    defaultMode: Annotated[int | None, Field(ge=0, le=511)] = None
    """Permission bits of the files, in decimal; Kubernetes uses 420 (0644) when absent."""
    optional: bool | None = None
    """Start the pod also while it does not exist."""


class ValueFrom(Model):
    """Where the value comes from, instead of value."""

    secretKeyRef: SecretKeyRef | None = None
    """One key of a Secret, the usual place for tokens."""
    configMapKeyRef: ConfigMapKeyRef | None = None
    """One key of a ConfigMap."""
    fieldRef: FieldRef | None = None
    """A field of the pod itself, such as status.podIP."""
    resourceFieldRef: ResourceFieldRef | None = None
    """A resource limit or request of a container."""


class HttpGet(Model):
    path: Annotated[str | None, Field(max_length=1024)] = None
    """Path to ask for, such as /health."""
    port: int | str
    """Port by number or by the name of a container port."""
    host: Annotated[str | None, Field(max_length=253)] = None
    """Host to connect to; the pod's address when absent."""
    scheme: Literal["HTTP", "HTTPS"] | None = None
    """HTTP or HTTPS; HTTP when absent."""
    httpHeaders: Annotated[
        list[HttpHeader], Field(max_length=16)
    ] = []
    """Headers to send with the request."""


class PostStart(Model):
    exec: Exec | None = None
    """A command run in the container; exit code 0 is a success."""
    httpGet: HttpGet | None = None
    """An HTTP GET; a status from 200 to 399 is a success."""
    sleep: Sleep | None = None
    """A pause."""


class VolumeClaimTemplateSpec(Model):
    """The claim that is made for the pod."""

    accessModes: Annotated[
        list[Literal["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"]],
        Field(max_length=4),
    ]
    """How the volume may be mounted."""
    storageClassName: Annotated[str | None, Field(max_length=253)] = None
    """Storage class on the cluster; its default class when absent."""
    volumeMode: Literal["Filesystem", "Block"] | None = None
    """A file system or a raw block device."""
    resources: VolumeClaimTemplateSpecResources
    """Size of the volume."""


class Status(Model):
    """What runs, as last seen."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    replicas: Replicas | None = None
    """How many replicas there are."""
    selector: Annotated[str | None, Field(max_length=512)] = None
    """Label selector of the replicas' pods, for kubectl scale and autoscalers."""
    placements: Annotated[
        list[Placement], Field(max_length=128)
    ] = []
    """Where each replica is."""
    turns: Annotated[list[Turn], Field(max_length=128)] = []
    """The replicas that are taken out of service on purpose; absent when none is."""
    rescheduled: Rescheduled | None = None
    """What the annotation modelplane.ai/reschedule was last judged for."""
    contract: Annotated[
        list[Contract], Field(max_length=16)
    ] = []
    """What the contract check found, errors first and silenced findings last; absent when it found nothing."""
    needs: Annotated[str | None, Field(max_length=32)] = None
    """Changes with what the deployment needs; PlacementCurrent was last judged for this."""
    scheduling: Scheduling | None = None
    """Why replicas are not placed; absent when all are."""
    conditions: list[Condition] = []
    """What holds now, and why not."""


class Serving(Model):
    """How requests reach the engines."""

    mode: Literal["Unified", "PrefillDecode"] = "Unified"
    """Unified sends every request to one engine; PrefillDecode splits it over a prefill and a decode engine."""
    disaggregation: Disaggregation | None = None
    """When and how prefill is done remotely; only under PrefillDecode."""
    sidecar: Sidecar | None = None
    """The proxy beside each decode engine; only under PrefillDecode."""
    endpointPicker: EndpointPicker | None = None
    """The endpoint picker that chooses the pods; only under PrefillDecode."""


class NodeSelector(Model):
    """What each of the member's pods needs from its node. Without it the member claims nothing."""

    devices: Annotated[list[Device], Field(max_length=16, min_length=1)]
    """Devices that one node must have free for one pod."""


class Env(Model):
    name: Annotated[str, Field(max_length=256)]
    """Name of the variable."""
    value: Annotated[str | None, Field(max_length=32768)] = None
    """Value; $(OTHER) is replaced by the variable OTHER defined before it."""
    valueFrom: ValueFrom | None = None
    """Where the value comes from, instead of value."""


class Probe(Model):
    exec: Exec | None = None
    """A command run in the container; exit code 0 is a success."""
    httpGet: HttpGet | None = None
    """An HTTP GET; a status from 200 to 399 is a success."""
    tcpSocket: TcpSocket | None = None
    """A TCP connection; an open port is a success."""
    grpc: Grpc | None = None
    """A call of the gRPC health protocol."""
    initialDelaySeconds: Annotated[int | None, Field(ge=0, le=86400)] = None
    """Seconds from the container's start to the first probe."""
    periodSeconds: Annotated[int | None, Field(ge=1, le=86400)] = None
    """Seconds between two probes."""
    timeoutSeconds: Annotated[int | None, Field(ge=1, le=3600)] = None
    """Seconds after which a probe counts as failed."""
    successThreshold: Annotated[int | None, Field(ge=1, le=1000)] = None
    """Successes in a row that count as healthy; 1 for startup and liveness."""
    failureThreshold: Annotated[int | None, Field(ge=1, le=100000)] = None
    """Failures in a row that count as unhealthy."""
    terminationGracePeriodSeconds: Annotated[int | None, Field(ge=1, le=86400)] = None
    """Grace for the container that this probe stops; the pod's own when absent."""


class Lifecycle(Model):
    """Commands at the start and before the end of the container."""

    postStart: PostStart | None = None
    """Run right after the start."""
    preStop: PostStart | None = None
    """Run before the container is told to stop. The default lets requests drain."""


class VolumeClaimTemplate(Model):
    """What the claim is made from."""

    metadata: VolumeClaimTemplateMetadata | None = None
    """Labels and annotations of the claim."""
    spec: VolumeClaimTemplateSpec
    """The claim that is made for the pod."""


class Container(Model):
    name: Annotated[str, Field(max_length=63)]
    """Always engine: the container that serves the model."""
    image: Annotated[str, Field(max_length=1024, min_length=1)]
    """Image of the inference engine. It must contain what your flags ask for."""
    imagePullPolicy: Literal["Always", "IfNotPresent", "Never"] | None = None
    """When the node pulls the image."""
    command: Annotated[list[str], Field(max_length=512)] = []
    """Replaces the image's entry point. Modelplane adds nothing to it."""
    args: Annotated[list[str], Field(max_length=512)] = []
    """Arguments of the engine: parallelism, quantisation and KV transfer are yours; Modelplane adds nothing."""
    workingDir: Annotated[str | None, Field(max_length=1024)] = None
    """Directory that the command starts in."""
    env: Annotated[list[Env], Field(max_length=128)] = []
    """Environment variables of the container. Those that Modelplane adds come first, so that your values can refer to them as $(NAME)."""
    envFrom: Annotated[list[EnvFrom], Field(max_length=32)] = []
    """Whole ConfigMaps or Secrets whose keys become environment variables."""
    ports: Annotated[list[Port], Field(max_length=16)] = []
    """Ports that the engine listens on. 8000, the serving port, is added when absent."""
    resources: Resources | None = None
    """CPU, memory and other resources of the container. Accelerators are asked for in nodeSelector.devices, not here."""
    volumeMounts: Annotated[
        list[VolumeMount], Field(max_length=32)
    ] = []
    """Where volumes appear in the container."""
    startupProbe: Probe | None = None
    """When the engine has started. The default allows a long model load."""
    readinessProbe: Probe | None = None
    """When the engine may receive requests. The default asks GET /health on the serving port."""
    livenessProbe: Probe | None = None
    """When the engine must be restarted. The default asks GET /health on the serving port."""
    lifecycle: Lifecycle | None = None
    """Commands at the start and before the end of the container."""
    securityContext: ContainerSecurityContext | None = None
    """Security settings of this container; they win over the pod's."""
    terminationMessagePath: Annotated[str | None, Field(max_length=1024)] = None
    """File whose content becomes the container's last message."""
    terminationMessagePolicy: Literal["File", "FallbackToLogsOnError"] | None = None
    """Where the last message comes from."""


class Ephemeral(Model):
    """A volume made for each pod and deleted with it."""

    volumeClaimTemplate: VolumeClaimTemplate
    """What the claim is made from."""


class Volume(Model):
    name: Annotated[str, Field(max_length=63)]
    """Name that volumeMounts refer to."""
    emptyDir: EmptyDir | None = None
    """Scratch space that lives as long as the pod."""
    configMap: ConfigMap | None = None
    """Keys of a ConfigMap as files."""
    secret: Secret | None = None
    """Keys of a Secret as files."""
    persistentVolumeClaim: PersistentVolumeClaim | None = None
    """A claim that exists in the tenant's namespace on the cluster."""
    ephemeral: Ephemeral | None = None
    """A volume made for each pod and deleted with it."""


class TemplateSpec(Model):
    """What runs in the pods, and how."""

    containers: Annotated[list[Container], Field(max_length=4)]
    """Exactly one container, called engine."""
    imagePullSecrets: Annotated[
        list[ImagePullSecret], Field(max_length=16)
    ] = []
    """Secrets that the images are pulled with."""
    volumes: Annotated[list[Volume], Field(max_length=32)] = []
    """Volumes that the containers may mount."""
    securityContext: SecurityContext | None = None
    """Security settings of all containers of the pod."""
    priorityClassName: Annotated[str | None, Field(max_length=253)] = None
    """PriorityClass on the cluster that decides who is preempted."""
    schedulerName: Annotated[str | None, Field(max_length=253)] = None
    """Scheduler that places the pods; Kubernetes' own when absent."""
    tolerations: Annotated[
        list[Toleration], Field(max_length=32)
    ] = []
    """Taints that the pods tolerate, besides those of their pool."""
    terminationGracePeriodSeconds: Annotated[int | None, Field(ge=0, le=86400)] = None
    """Seconds a stopping pod gets to finish its requests."""


class Template(Model):
    """The pod that runs this member, as in Kubernetes."""

    metadata: TemplateMetadata | None = None
    """Labels and annotations of the pods."""
    spec: TemplateSpec
    """What runs in the pods, and how."""


class Member(Model):
    role: Literal["Standalone", "Leader", "Worker"] = "Standalone"
    """Standalone is an engine of one pod; Leader and Worker together form an engine that spans nodes."""
    nodeSelector: NodeSelector | None = None
    """What each of the member's pods needs from its node. Without it the member claims nothing."""
    worker: Worker | None = None
    """How many nodes help the leader; only on a member with role: Worker."""
    template: Template
    """The pod that runs this member, as in Kubernetes."""


class Engine(Model):
    name: Annotated[str, Field(max_length=63)]
    """Name of the engine, unique in the deployment."""
    phase: Literal["Prefill", "Decode"] | None = None
    """The half of the work that this engine does; only under serving.mode: PrefillDecode."""
    copies: Annotated[int, Field(ge=1, le=64)] = 1
    """Identical copies of this engine in each replica. The ratio of prefill to decode is the ratio of copies."""
    members: Annotated[list[Member], Field(max_length=4)]
    """The kinds of pods of one engine: one Standalone, or one Leader and one Worker."""


class Spec(Model):
    """What you want to run."""

    replicas: Annotated[int, Field(ge=0, le=64)] = 1
    """Whole copies of everything below, each placed on one cluster. kubectl scale changes this number."""
    clusterSelector: ClusterSelector | None = None
    """Clusters that may hold replicas; all of them when absent."""
    modelCacheRef: ModelCacheRef | None = None
    """ModelCache in the same namespace whose weights are mounted at /mnt/models."""
    serving: Serving = Serving()
    """How requests reach the engines."""
    engines: Annotated[list[Engine], Field(max_length=8, min_length=1)]
    """The engines that serve the model together: one under Unified, one per phase under PrefillDecode."""
    rollout: Rollout = Rollout()
    """How a change reaches the running replicas."""
    crossplane: dict[str, Any] = {}
    """How Crossplane reconciles this composite."""


class ModelDeployment(Model):
    """A model that is served on the fleet: its engines, how they serve together, and how many replicas."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    apiVersion: Literal["modelplane.ai/v1alpha1"] = "modelplane.ai/v1alpha1"
    kind: Literal["ModelDeployment"] = "ModelDeployment"
    metadata: Metadata = Metadata()
    spec: Spec
    status: Status = Status()
