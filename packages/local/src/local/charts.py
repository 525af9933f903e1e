"""Helm charts from the folders of pinned Go modules, and the local registry that they are served from.

What a project's own release script does to its folder is done here; the archives have fixed
times, so the same folder is the same chart.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import urllib3
import yaml

from local import tools
from local.errors import LocalError

Files = dict[str, bytes]
_CONFIG = "application/vnd.cncf.helm.config.v1+json"
_CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
FOLDER = "charts"


@dataclass(frozen=True)
class Chart:
    """One chart as it is published; `metadata` is its Chart.yaml."""

    name: str
    version: str
    metadata: dict[str, Any]
    archive: bytes


@dataclass(frozen=True)
class _Source:
    """A folder of a tool's module; `release` is what the project's release script does to its files."""

    tool: str
    folder: str
    version: str  # {number} is the module's version without its v; empty is Chart.yaml's own.
    release: Callable[[Files, str], None]
    name: str = ""


def published() -> Iterator[Chart]:
    """Every chart that the serving stack installs, at its tested version."""
    for source in _SOURCES:
        yield _packed(source)


def one(name: str) -> Chart:
    """The chart of that name, at its tested version."""
    return next(_packed(source) for source in _SOURCES if name in (source.name, source.folder))


def needed() -> set[str]:
    """The tools whose folders the charts are in."""
    return {source.tool for source in _SOURCES}


def push(registry: str, chart: Chart) -> None:
    """Put a chart into the registry at `registry` (host and port), under charts/."""
    pool = urllib3.PoolManager(retries=urllib3.Retry(connect=3, redirect=0), timeout=30)
    config = json.dumps(chart.metadata, sort_keys=True).encode()
    layers = [{"mediaType": _CONTENT, **_blob(pool, registry, chart, chart.archive)}]
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": {"mediaType": _CONFIG, **_blob(pool, registry, chart, config)},
        "layers": layers,
    }
    url = f"http://{registry}/v2/{FOLDER}/{chart.name}/manifests/{chart.version}"
    _put(pool, url, json.dumps(manifest).encode(), _MANIFEST)


def pack(name: str, version: str, files: Files) -> Chart:
    """The archive of a chart's files, by path inside its folder."""
    metadata = {**yaml.safe_load(files["Chart.yaml"]), "name": name, "version": version}
    files = {**files, "Chart.yaml": yaml.safe_dump(metadata).encode()}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"{name}/{path}")
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return Chart(name, version, metadata, gzip.compress(packed.getvalue(), mtime=0))


def unpack(chart: Chart) -> Files:
    """The files of a chart by path inside its folder."""
    with tarfile.open(fileobj=io.BytesIO(chart.archive)) as tar:
        files = {entry.name: tar.extractfile(entry) for entry in tar.getmembers()}
        return {path.partition("/")[2]: content.read() for path, content in files.items() if content}


def _packed(source: _Source) -> Chart:
    folder = tools.files(source.tool) / FOLDER / source.folder
    files = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    tag = tools.table()[source.tool].version
    source.release(files, tag)
    version = source.version.format(number=tag.removeprefix("v"))
    return pack(source.name or source.folder, version or _version(files), files)


def _version(files: Files) -> str:
    return str(yaml.safe_load(files["Chart.yaml"])["version"])


def _tagged(files: Files, tag: str) -> None:
    _edit(files, "Chart.yaml", lambda chart: chart.update(appVersion=tag))


def _envoy_gateway(files: Files, tag: str) -> None:
    """Its values are a template of two variables."""
    values = files.pop("values.tmpl.yaml").decode()
    values = values.replace("${GatewayImage}", f"docker.io/envoyproxy/gateway:{tag}")
    files["values.yaml"] = values.replace("${GatewayImagePullPolicy}", "IfNotPresent").encode()
    _tagged(files, tag)


def _cert_manager(files: Files, tag: str) -> None:
    files["Chart.yaml"] = files.pop("Chart.template.yaml").replace(b"{{IS_PRERELEASE}}", b"false")
    _tagged(files, tag)


def _lws(files: Files, tag: str) -> None:
    _edit(files, "values.yaml", lambda values: values["image"]["manager"].update(tag=tag, pullPolicy="IfNotPresent"))
    _tagged(files, tag)


def _kube_prometheus_stack(files: Files, _tag: str) -> None:
    """Charts that it depends on and that our values switch off are not in its folder."""
    there = {path.split("/")[1] for path in files if path.startswith("charts/")}

    def keep(chart: dict[str, Any]) -> None:
        chart["dependencies"] = [each for each in chart["dependencies"] if each["name"] in there]

    _edit(files, "Chart.yaml", keep)


def _stand_in(files: Files, tag: str) -> None:
    """NVIDIA's chart is in no package registry; the example driver's takes its name, without its schema of values."""
    del files["values.schema.json"]
    _tagged(files, tag)


def _edit(files: Files, path: str, change: Callable[[Any], None]) -> None:
    content = yaml.safe_load(files[path])
    change(content)
    files[path] = yaml.safe_dump(content).encode()


_SOURCES = (
    _Source("cert-manager", "cert-manager", "v{number}", _cert_manager),
    _Source("envoy-gateway", "gateway-helm", "v{number}", _envoy_gateway),
    _Source("ai-gateway", "ai-gateway-crds-helm", "v{number}", _tagged),
    _Source("ai-gateway", "ai-gateway-helm", "v{number}", _tagged),
    _Source("lws-chart", "lws", "{number}", _lws),
    _Source("node-feature-discovery", "node-feature-discovery", "{number}", _tagged),
    _Source("kube-prometheus-stack", "kube-prometheus-stack", "", _kube_prometheus_stack),
    _Source("dra-example-driver", "dra-example-driver", "25.12.0", _stand_in, name="nvidia-dra-driver-gpu"),
)


def _blob(pool: urllib3.PoolManager, registry: str, chart: Chart, content: bytes) -> dict[str, Any]:
    """The blob's digest and size, once it is in the registry."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    where = f"http://{registry}/v2/{FOLDER}/{chart.name}/blobs/uploads/"
    begun = pool.request("POST", where)
    target = begun.headers.get("Location", where)
    base = target if target.startswith("http") else f"http://{registry}{target}"
    _put(pool, f"{base}{'&' if '?' in base else '?'}digest={digest}", content, "application/octet-stream")
    return {"digest": digest, "size": len(content)}


def _put(pool: urllib3.PoolManager, url: str, content: bytes, media_type: str) -> None:
    done = pool.request("PUT", url, body=content, headers={"Content-Type": media_type})
    if done.status >= 300:  # noqa: PLR2004  # All of HTTP's successes are below.
        raise LocalError(f"{url.partition('?')[0]}: the registry answers {done.status}: {done.data.decode()[:200]}")
