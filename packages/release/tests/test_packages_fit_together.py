"""The Configuration brings what its Compositions call, by the names that Crossplane will give."""

import importlib.util
import io
import json
import tarfile

import pytest
from compose_model_cache import children
from release import image, names, packages, runtime, wheels
from release.image import Image
from schemas import apis


def _installed(package):
    """As Crossplane names a dependency: the path within its registry, with dashes."""
    return package.partition("/")[2].replace("/", "-")


def test_each_composition_calls_a_function_that_is_installed():
    called = {step["functionRef"]["name"] for c in apis.compositions() for step in c["spec"]["pipeline"]}
    needs = packages.configuration_metadata()["spec"]["dependsOn"]
    assert called == {_installed(d["package"]) for d in needs if d["kind"] == "Function"}


def test_every_function_of_the_checkout_has_its_package():
    """One that no Composition calls would be built by nobody, and one that is called without a folder by nobody either."""
    folders = {file.parent.name for file in names.checkout().glob("functions/*/pyproject.toml")}
    assert folders == set(apis.function_names())
    needs = packages.configuration_metadata()["spec"]["dependsOn"]
    assert {names.package(folder) for folder in folders} == {d["package"] for d in needs if d["kind"] == "Function"}


def test_functions_are_of_the_configurations_own_version():
    needs = packages.configuration_metadata()["spec"]["dependsOn"]
    assert {d["version"] for d in needs if d["kind"] == "Function"} == {names.version()}


def test_the_providers_are_those_that_are_tested_here():
    from local import tools

    needs = packages.configuration_metadata()["spec"]["dependsOn"]
    asked = {d["package"].rpartition("/")[2]: d["version"] for d in needs if d["kind"] == "Provider"}
    assert asked == {"provider-kubernetes": f">={tools.table()['provider-kubernetes'].version}"}


@pytest.mark.parametrize("function", apis.function_names())
def test_an_image_starts_a_module_that_exists(function):
    assert importlib.util.find_spec(f"{function.replace('-', '_')}.__main__")


def test_an_image_is_one_archive_of_its_layers_in_order():
    made = Image("example.com/x:v1", "x", (b"below", b"above"), {"a": "b"})
    data = image.docker_archive(made)
    assert data == image.docker_archive(made)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        (manifest,) = json.load(tar.extractfile("manifest.json"))
        assert [tar.extractfile(layer).read() for layer in manifest["Layers"]] == [b"below", b"above"]
        config = json.load(tar.extractfile(manifest["Config"]))
    assert config["config"]["User"] == "65532:65532"
    assert config["config"]["Entrypoint"][-2:] == ["-m", "x"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{name.removesuffix('.tar')}" for name in manifest["Layers"]]


def test_the_image_that_fills_volumes_is_one_that_is_published_and_can_fetch():
    """A ModelCache names it by its whole name: clusters pull it, and know nothing of packages."""
    (function,) = runtime.FETCHING
    assert f"{names.package(function)}:{names.version()}" == children.IMAGE
    assert function in apis.function_names()
    assert "huggingface-hub" in wheels.closure(function)
