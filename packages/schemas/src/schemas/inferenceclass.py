# Generated from apis/inferenceclasses/definition.yaml by packages/schemas/generate.py. Do not edit.

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from schemas.base import Condition, Metadata, Model


class Status(Model):
    """What was found."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    summary: Annotated[str | None, Field(max_length=512)] = None
    """The devices in a few words, such as 8 gpu, 1 fabric."""
    conditions: list[Condition] = []
    """What holds now, and why not."""


class Attribute(Model):
    string: Annotated[str | None, Field(max_length=64)] = None
    """A text value."""
    version: Annotated[str | None, Field(max_length=64)] = None
    """A semantic version, such as 1.2.3."""
    bool_: Annotated[bool | None, Field(alias="bool")] = None
    """A truth value."""
    int_: Annotated[int | None, Field(alias="int")] = None
    """A whole number."""


class Capacity(Model):
    value: int | str
    """The amount, such as 80Gi."""


class Accelerator(Model):
    type: Annotated[str, Field(max_length=253)]
    """Accelerator type of the cloud, such as nvidia-h100-80gb."""
    count: Annotated[int, Field(ge=1, le=32)]
    """Accelerators per machine."""


class Device(Model):
    name: Annotated[str, Field(max_length=63)]
    """Name of the device in messages, such as gpu."""
    claim: Literal["DRA", "Synthetic"] = "DRA"
    """DRA devices are claimed by pods; Synthetic ones describe what no driver publishes and are only matched."""
    driver: Annotated[str, Field(max_length=63)]
    """Driver that publishes the device, such as gpu.nvidia.com; the domain of its unqualified attributes."""
    deviceClassName: Annotated[str | None, Field(max_length=253)] = None
    """DeviceClass on the cluster through which the device is claimed; needed for DRA."""
    count: Annotated[int, Field(ge=1, le=128)] = 1
    """How many of them one node has."""
    attributes: Annotated[dict[str, Attribute], Field(validate_default=True)] = {}
    """Attributes that selectors can ask for, by name or domain/name."""
    capacity: Annotated[dict[str, Capacity], Field(validate_default=True)] = {}
    """Capacities that selectors can ask for, by name or domain/name."""


class Gke(Model):
    """A node on Google Kubernetes Engine."""

    machineType: Annotated[str, Field(max_length=253)]
    """Machine type, such as a3-highgpu-8g."""
    diskType: Annotated[str | None, Field(max_length=253)] = None
    """Boot disk type, such as pd-ssd."""
    diskSizeGiB: Annotated[int | None, Field(ge=10, le=65536)] = None
    """Boot disk size."""
    accelerator: Accelerator | None = None
    """Accelerators that the machine gets."""


class Eks(Model):
    """A node on Amazon EKS."""

    machineType: Annotated[str, Field(max_length=253)]
    """Instance type, such as p5.48xlarge."""
    diskType: Annotated[str | None, Field(max_length=253)] = None
    """Root volume type, such as gp3."""
    diskSizeGiB: Annotated[int | None, Field(ge=10, le=65536)] = None
    """Root volume size."""
    accelerator: Accelerator | None = None
    """Accelerators that the machine gets."""


class Provisioning(Model):
    """How a cloud makes such a node; only for clusters that Modelplane creates."""

    provider: Literal["GKE", "EKS"]
    """The cloud."""
    gke: Gke | None = None
    """A node on Google Kubernetes Engine."""
    eks: Eks | None = None
    """A node on Amazon EKS."""


class Spec(Model):
    """What one node offers."""

    description: Annotated[str | None, Field(max_length=1024)] = None
    """A sentence for people, such as: 8 × H100 SXM with NVLink."""
    devices: Annotated[list[Device], Field(max_length=16, min_length=1)]
    """The devices of one node."""
    provisioning: Provisioning | None = None
    """How a cloud makes such a node; only for clusters that Modelplane creates."""
    crossplane: dict[str, Any] = {}
    """How Crossplane reconciles this composite."""


class InferenceClass(Model):
    """What one node of a kind offers: its devices, with their attributes and capacity."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    apiVersion: Literal["modelplane.ai/v1alpha1"] = "modelplane.ai/v1alpha1"
    kind: Literal["InferenceClass"] = "InferenceClass"
    metadata: Metadata = Metadata()
    spec: Spec
    status: Status = Status()
