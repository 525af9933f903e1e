"""Packages that `make packages` built, in a registry of this machine, installed by Crossplane's package manager."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import subprocess
import tempfile
from collections.abc import Mapping
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
    """Refuse other packages than those that are installed: Crossplane would not see that a version has changed."""
    found = api.get(CONFIGURATION, _configuration(packages).installed_name)
    if found and found["metadata"].get("annotations", {}).get(_BUILD) != _build(packages):
        raise RefusedError("Another build of these packages runs here: run `modelplane down` first to have this one")


def push(packages: list[Package], registry: str) -> None:
    """Bring every package, and the providers they depend on, into the registry."""
    for package in packages:
        _crane("push", str(package.file), f"{registry}/{package.path}:{package.version}")
    with tempfile.TemporaryDirectory() as work:
        for name in _PROVIDERS:
            file = _provider_package(name, Path(work))
            _crane("push", str(file), f"{registry}/crossplane-contrib/{name}:{tools.table()[name].version}")


def install_configuration(api: Api, packages: list[Package], registry: str, until: install.Until) -> None:
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
            "spec": {"package": f"{configuration.package}:{configuration.version}"},
        }
    )
    wanted = {p.installed_name for p in functions(packages)}
    until("the functions' revisions", lambda: {_package_of(r) for r in api.find(install.REVISION)} >= wanted)
    until("the Configuration", lambda: install.is_true(api.get(CONFIGURATION, configuration.installed_name), "Healthy"))


def say_running(api: Api, endpoints: Mapping[str, str]) -> None:
    """Tell Crossplane that packages run, functions where: with the External runtime nobody else does."""
    for kind in (install.REVISION, _PROVIDER_REVISION):
        for revision in api.find(kind):
            if revision["spec"]["desiredState"] == "Active":
                endpoint = endpoints.get(_package_of(revision))
                api.apply(_running(kind, revision["metadata"]["name"], endpoint), "status")


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


def _package_of(revision: Manifest) -> str:
    return str(revision["metadata"]["labels"]["pkg.crossplane.io/package"])


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
