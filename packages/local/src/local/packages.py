"""Packages that `make packages` built, in a registry of this machine, installed by Crossplane's package manager."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml

from local import install, tools
from local.api import Api, Kind, Manifest
from local.errors import LocalError, RefusedError

INDEX, INSTALL = "index.json", "install.yaml"
CONFIGURATION = Kind("pkg.crossplane.io/v1", "Configuration")
OBJECT = Kind("kubernetes.m.crossplane.io/v1alpha1", "Object")
PUBLIC_REGISTRY = "xpkg.crossplane.io"
_CONFIGURATION_REVISION = Kind("pkg.crossplane.io/v1", "ConfigurationRevision")
_PROVIDER_REVISION = Kind("pkg.crossplane.io/v1", "ProviderRevision")
_BUILD = "modelplane.ai/build"
_PROVIDERS = ("provider-kubernetes",)


@dataclass(frozen=True)
class Package:
    """One row of the index that `make packages` writes."""

    name: str
    kind: str
    package: str
    version: str
    file: Path
    digest: str

    @property
    def path(self) -> str:
        """Its repository within a registry."""
        return self.package.partition("/")[2]

    @property
    def reference(self) -> str:
        """As it is asked for, at its version."""
        return f"{self.package}:{self.version}"

    @property
    def installed_name(self) -> str:
        """What Crossplane calls it when it installs it as a dependency."""
        return self.path.replace("/", "-")


def read(folder: Path) -> list[Package]:
    """The packages of a folder."""
    index = folder / INDEX
    if not index.is_file():
        raise RefusedError(f"{folder} has no {INDEX}: run `make packages`, or name the folder that it wrote to")
    rows = json.loads(index.read_text(encoding="utf-8"))
    fields = ("name", "kind", "package", "version", "digest")
    return [Package(**{f: row[f] for f in fields}, file=folder / row["file"]) for row in rows]


def functions(packages: list[Package]) -> list[Package]:
    """Those that Crossplane calls."""
    return [p for p in packages if p.kind == "Function"]


def check(api: Api, packages: list[Package]) -> None:
    """Refuse another build of the version that is installed: Crossplane would not see that it has changed."""
    configuration = _configuration(packages)
    found = api.get(CONFIGURATION, configuration.installed_name)
    if not found or found["spec"]["package"] != configuration.reference:
        return
    if found["metadata"].get("annotations", {}).get(_BUILD) != _build(packages):
        raise RefusedError(
            f"Another build of {configuration.version} runs here, and Crossplane does not fetch a version twice: "
            "give these packages another version, or run `modelplane down` first"
        )


def push(packages: list[Package], registry: str) -> None:
    """Bring every package into the registry."""
    for package in packages:
        _crane("push", str(package.file), f"{registry}/{package.path}:{package.version}")


def push_providers(registry: str) -> None:
    """Bring the providers that packages depend on into the registry, as a mirror has them."""
    with tempfile.TemporaryDirectory() as work:
        for name in _PROVIDERS:
            file = _provider_package(name, Path(work))
            _crane("push", str(file), f"{registry}/crossplane-contrib/{name}:{tools.table()[name].version}")


def install_configuration(api: Api, packages: list[Package], registry: str) -> None:
    """Install the Configuration as its users do; only where images come from is ours."""
    configuration = _configuration(packages)
    for manifest in yaml.safe_load_all(configuration.file.with_name(INSTALL).read_text(encoding="utf-8")):
        api.apply(manifest)
    api.apply(_rewrite(registry))
    api.apply(
        {
            "apiVersion": CONFIGURATION.api_version,
            "kind": CONFIGURATION.kind,
            "metadata": {"name": configuration.installed_name, "annotations": {_BUILD: _build(packages)}},
            "spec": {"package": configuration.reference},
        }
    )


def is_installed(api: Api, packages: list[Package]) -> bool:
    """Whether somebody has installed the Configuration, whatever has become of it."""
    return api.get(CONFIGURATION, _configuration(packages).installed_name) is not None


def is_healthy(api: Api, packages: list[Package]) -> bool:
    """Whether the Configuration is installed at this version, all that it brings included."""
    configuration = _configuration(packages)
    found = api.get(CONFIGURATION, configuration.installed_name)
    return configuration.reference in active(api, _CONFIGURATION_REVISION) and install.is_true(found, "Healthy")


def active(api: Api, kind: Kind = install.REVISION) -> set[str]:
    """The packages, at their versions, that Crossplane uses."""
    return {revision["spec"]["image"] for revision in _active(api, kind)}


def say_running(api: Api, function: Package, endpoint: str) -> None:
    """Tell Crossplane where a function listens: with the External runtime nobody else does."""
    for revision in _active(api, install.REVISION):
        if revision["spec"]["image"] == function.reference:
            api.apply(_running(install.REVISION, revision["metadata"]["name"], endpoint), "status")


def say_providers_running(api: Api) -> None:
    """The same of providers, which are processes of ours."""
    for revision in _active(api, _PROVIDER_REVISION):
        if not install.is_true(revision, "RuntimeHealthy"):
            api.apply(_running(_PROVIDER_REVISION, revision["metadata"]["name"], None), "status")


def _active(api: Api, kind: Kind) -> list[Manifest]:
    return [revision for revision in api.find(kind) if revision["spec"]["desiredState"] == "Active"]


def _running(kind: Kind, name: str, endpoint: str | None) -> Manifest:
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    healthy = {
        "type": "RuntimeHealthy",
        "status": "True",
        "reason": "HealthyPackageRevision",
        "lastTransitionTime": now,
    }
    status = {"tlsServerSecretName": "crossplane-root-ca", "conditions": [healthy]}
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": name},
        "status": {**status, "endpoint": endpoint} if endpoint else status,
    }


def _configuration(packages: list[Package]) -> Package:
    return next(p for p in packages if p.kind == CONFIGURATION.kind)


def _build(packages: list[Package]) -> str:
    """Changes with any of the packages."""
    return hashlib.sha256("".join(sorted(p.digest for p in packages)).encode()).hexdigest()[:16]


def _rewrite(registry: str) -> Manifest:
    return {
        "apiVersion": "pkg.crossplane.io/v1beta1",
        "kind": "ImageConfig",
        "metadata": {"name": "modelplane-local"},
        "spec": {
            "matchImages": [{"type": "Prefix", "prefix": PUBLIC_REGISTRY}],
            "rewriteImage": {"prefix": registry},
        },
    }


def _provider_package(name: str, work: Path) -> Path:
    """The provider's package as its project makes it, without the image: its process is one of ours."""
    root, file = work / name, work / f"{name}.xpkg"
    root.mkdir()
    meta = {"apiVersion": "meta.pkg.crossplane.io/v1", "kind": "Provider", "metadata": {"name": name}}
    spec = {"spec": {"capabilities": ["SafeStart"]}}
    (root / "crossplane.yaml").write_text(yaml.safe_dump({**meta, **spec}), encoding="utf-8")
    for crd in sorted((tools.files(name) / "crds").glob("*.yaml")):
        (root / crd.name).write_bytes(crd.read_bytes())
    _run("crossplane-cli", "xpkg", "build", f"--package-root={root}", f"--package-file={file}")
    return file


def _crane(*arguments: str) -> None:
    _run("crane", *arguments)


def _run(tool: str, *arguments: str) -> None:
    done = subprocess.run([str(tools.path(tool)), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalError(f"{tool} {arguments[0]} failed: {(done.stderr or done.stdout).strip()}")
