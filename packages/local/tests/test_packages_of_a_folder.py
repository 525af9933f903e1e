"""Packages that `make packages` built: read by their index, unpacked once per layer, started as their image says."""

from __future__ import annotations

import io
import json
import os
import tarfile
from dataclasses import replace

import local
import pytest
from local import control, images, packages, pki
from local.commands import port_names, process_names
from local.errors import RefusedError
from local.state import Plan, State

CONFIG = {"config": {"User": "65532:65532", "Env": ["A=b=c"], "Entrypoint": ["/bin/python", "-m", "x"]}}
ROW = {
    "name": "compose-x",
    "kind": "Function",
    "package": "xpkg.example.com/modelplane/compose-x",
    "version": "v1.0.0",
    "file": "compose-x.xpkg",
    "sha256": "0",
    "digest": "sha256:1",
}


def _tar(**files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _package(file, **layers):
    manifest = [{"Config": "config", "Layers": [f"{name}.tar" for name in layers]}]
    parts = {"manifest.json": json.dumps(manifest).encode(), "config": json.dumps(CONFIG).encode()}
    file.write_bytes(_tar(**parts, **{f"{name}.tar": data for name, data in layers.items()}))
    return file


def _index(folder, *rows):
    (folder / "index.json").write_text(json.dumps(rows))
    return folder


def test_a_package_is_installed_under_its_path_with_dashes(tmp_path):
    (found,) = packages.read(_index(tmp_path, ROW))
    assert (found.path, found.installed_name) == ("modelplane/compose-x", "modelplane-compose-x")
    assert found.file == tmp_path / "compose-x.xpkg"
    assert packages.functions([found]) == [found]


def test_a_folder_without_packages_says_how_to_make_them(tmp_path):
    with pytest.raises(RefusedError, match="run `make packages`"):
        packages.read(tmp_path)


def test_layers_are_unpacked_once_and_the_last_is_on_top(tmp_path):
    layers = tmp_path / "layers"
    image = images.unpack(_package(tmp_path / "a", low=_tar(a=b"1"), high=_tar(b=b"2")), layers)
    assert image.layers == (layers / "high", layers / "low")
    assert (layers / "low" / "a").read_bytes() == b"1"
    (layers / "low" / "mark").touch()
    images.unpack(_package(tmp_path / "b", low=_tar(a=b"1")), layers)
    assert (layers / "low" / "mark").exists()


def test_a_process_gets_what_the_image_sets(tmp_path, monkeypatch):
    image = images.unpack(_package(tmp_path / "a", low=_tar(a=b"1")), tmp_path / "layers")
    assert images.environment(image) == {"A": "b=c", "TLS_SERVER_CERTS_DIR": "/tls/server"}
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    script = images.command(image, tmp_path / "root", tmp_path / "own", ("--debug",))[-1]
    assert f"lowerdir={tmp_path / 'own'}:{tmp_path / 'layers' / 'low'}" in script
    assert script.endswith(f"/chroot --userspec=65532:65532 {tmp_path / 'root'} /bin/python -m x --debug")


def test_only_root_can_start_file_systems_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(RefusedError, match="as root"):
        images.command(images.Unpacked((), CONFIG["config"]), tmp_path, tmp_path, ())


def test_certificates_are_copied_for_the_images_user(tmp_path, monkeypatch):
    owners = {}
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: owners.update({path.name: (uid, gid)}))
    own = images.certificates(pki.make(tmp_path / "pki"), tmp_path / "own", "65532:65533")
    assert sorted(p.name for p in (own / "tls/server").iterdir()) == ["ca.crt", "tls.crt", "tls.key"]
    assert owners == dict.fromkeys(("ca.crt", "tls.crt", "tls.key"), (65532, 65533))


class OneConfiguration:
    """An API server that has the Configuration of some packages."""

    def __init__(self):
        self.applied = []

    def apply(self, manifest):
        self.applied.append(manifest)

    def get(self, _kind, _name):
        return next(m for m in self.applied if m["kind"] == "Configuration")

    def find(self, _kind):
        return []


def test_another_build_of_what_is_installed_is_refused(tmp_path):
    configuration = {**ROW, "kind": "Configuration", "name": "configuration"}
    first = packages.read(_index(tmp_path, ROW, configuration))
    (tmp_path / "install.yaml").write_text("kind: Namespace")
    api = OneConfiguration()
    packages.install_configuration(api, first, "127.0.0.1:1")
    packages.check(api, first)
    rebuilt = packages.read(_index(tmp_path, {**ROW, "digest": "sha256:2"}, configuration))
    with pytest.raises(RefusedError, match=r"Another build of v1\.0\.0"):
        packages.check(api, rebuilt)


def test_another_version_of_what_is_installed_is_an_upgrade(tmp_path):
    configuration = {**ROW, "kind": "Configuration", "name": "configuration"}
    (tmp_path / "install.yaml").write_text("kind: Namespace")
    api = OneConfiguration()
    packages.install_configuration(api, packages.read(_index(tmp_path, ROW, configuration)), "127.0.0.1:1")
    newer = [{**row, "version": "v1.1.0", "digest": "sha256:2"} for row in (ROW, configuration)]
    packages.check(api, packages.read(_index(tmp_path, *newer)))


def test_functions_of_the_version_before_go_on(tmp_path):
    """Crossplane uninstalls no dependency: what is not among these packages is still called, if only by what is old."""
    state = State(tmp_path / "state")
    state.claim()
    plan = Plan(ports={"etcd": 20000}, packages="/older", functions=("compose-gone", "compose-x"))
    planned = control._with_packages(plan, local.Options(packages=_index(tmp_path, ROW)))
    assert (planned.packages, planned.functions) == (str(tmp_path), ("compose-x", "compose-gone"))


def test_with_packages_each_function_is_a_process_of_its_own():
    assert "functions" in process_names(Plan(clusters=0))
    plan = Plan(clusters=0, packages="/packages", functions=("compose-x",))
    with_packages = process_names(plan)
    assert {"registry", "compose-x"} <= set(with_packages)
    assert "functions" not in with_packages
    assert set(with_packages) - {"fleet", "rbac-manager"} <= set(port_names(plan))


def test_a_control_plane_without_packages_does_not_get_them_later(tmp_path):
    state = State(tmp_path / "state")
    state.claim()
    state.save(Plan(ports={"etcd": 20000}))
    folder = _index(tmp_path, ROW)
    with pytest.raises(RefusedError, match="run `modelplane down` first"):
        local.up(local.Options(state.folder, packages=folder, kubeconfig=False))


def test_installing_by_hand_is_about_packages_and_stays_so(tmp_path):
    with pytest.raises(RefusedError, match="give --packages"):
        local.up(local.Options(tmp_path / "state", install=False, kubeconfig=False))
    by_hand = control._with_packages(Plan(), local.Options(packages=_index(tmp_path, ROW), install=False))
    assert by_hand.by_hand
    again = control._with_packages(replace(by_hand, ports={"etcd": 20000}), local.Options(packages=tmp_path))
    assert again.by_hand
