"""The commands of docs/how-to/install.md, as they stand there, on a control plane with nothing but Crossplane.

Only the registry's name is replaced, and Crossplane acts by its own account, with what its chart and ours allow it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import local
import pytest
import yaml
from local import tools
from local.testing import Plane, plane_of
from schemas import apis

pytestmark = [pytest.mark.e2e, pytest.mark.long]

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "install.md").read_text()
REGISTRY = "registry.example.com"
_BINARIES = {"crossplane": "crossplane-cli", "crane": "crane", "kubectl": "kubectl"}


@dataclass(frozen=True)
class Site:
    """A shell as the page's reader has it."""

    processes: local.Cluster
    plane: Plane
    folder: Path

    def run(self, commands: str) -> str:
        """What the commands print; the first that fails is the end."""
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "KUBECONFIG": str(self.processes.kubeconfig)}
        script = commands.replace(REGISTRY, self.processes.packages)
        done = subprocess.run(
            ("bash", "-euo", "pipefail", "-c", script),
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def run_what_is_installed(self) -> None:
        """There is no kubelet: this starts the functions from the images that Crossplane has activated."""
        local.up(local.Options(self.processes.state.folder, kubeconfig=False))


def section(number: int) -> list[str]:
    """The commands of one section, but what takes a build or a fleet."""
    text = re.split(r"^## ", PAGE, flags=re.MULTILINE)[number]
    assert text.startswith(f"{number}. ")
    blocks = re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if not block.startswith(("make ", "modelplane "))]


@pytest.fixture(scope="module")
def site(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "bin").mkdir()
    for name, binary in _BINARIES.items():
        (folder / "bin" / name).symlink_to(tools.path(binary))
    (folder / "dist").mkdir()
    (folder / "dist" / "packages").symlink_to(packages)
    options = local.Options(folder / "state", clusters=1, packages=packages, install=False, kubeconfig=False)
    cluster = local.up(options)
    try:
        yield Site(cluster, plane_of(cluster), folder)
    finally:
        cluster.down()


def test_there_is_nothing_but_crossplane(site: Site) -> None:
    kinds = site.plane.kubectl("api-resources", "-o", "name")
    assert "configurations.pkg.crossplane.io" in kinds
    assert "modelplane" not in kinds
    assert site.plane.kubectl.get("functions.pkg.crossplane.io,providers.pkg.crossplane.io") == []


def test_the_commands_install_modelplane(site: Site) -> None:
    for commands in (*section(2), *section(3)):
        site.run(commands)
    installing, *others = section(4)
    assert "crossplane xpkg install configuration" in installing
    *before, wait = installing.strip().splitlines()
    assert wait.startswith("kubectl wait")
    site.run("\n".join(before))
    site.run_what_is_installed()
    for commands in (wait, *others):
        site.run(commands)
    installed = {f["metadata"]["name"] for f in site.plane.kubectl.get("functions.pkg.crossplane.io")}
    assert installed == {f"{apis.FUNCTION_PREFIX}{name}" for name in apis.function_names()}


def test_a_model_becomes_ready(site: Site) -> None:
    site.run(f"kubectl apply -f {ROOT / 'examples' / '01-standalone'}")
    site.run("kubectl wait --for=condition=Ready md/qwen --timeout=240s")


def test_crossplane_may_write_every_kind_that_is_composed_and_is_no_administrator(site: Site) -> None:
    """It acts by its account, which may what its chart, its manager of roles and install.yaml say."""
    asked = composed()
    assert len(asked) > 20
    assert {pair for pair in asked if not may(site.plane, *pair)} == set()
    assert not may(site.plane, "", "nodes")
    assert not may(site.plane, "rbac.authorization.k8s.io", "clusterrolebindings")


def composed() -> set[tuple[str, str]]:
    """Group and plural of all that any case of a function composes."""
    found = set()
    for case in ROOT.glob("functions/*/tests/cases/*.yaml"):
        want = yaml.load(case.read_text(), yaml.CSafeLoader)["want"]
        for manifest in want.get("desired", {}).values():
            group = manifest["apiVersion"].rpartition("/")[0]
            # provider-helm's kinds come with the roles for them, where somebody installs it.
            if group != "helm.m.crossplane.io":
                found.add((group, plural(manifest["kind"])))
    return found


def plural(kind: str) -> str:
    word = kind.lower()
    if word[-1] == "y" and word[-2] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith("s") else f"{word}s"


def may(plane: Plane, group: str, resource: str) -> bool:
    """Whether Crossplane's account may write these objects anywhere."""
    answers = [
        _review(plane, {"group": group, "resource": resource, "verb": verb}) for verb in ("create", "patch", "delete")
    ]
    return all(answers)


def _review(plane: Plane, attributes: dict[str, str]) -> bool:
    spec = {"user": "system:serviceaccount:crossplane-system:crossplane", "resourceAttributes": attributes}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    told = plane.kubectl("create", "-o", "json", "-f", "-", stdin=json.dumps(review))
    return bool(json.loads(told)["status"]["allowed"])
