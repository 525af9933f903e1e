"""The lock of a fleet: every image, model and package, each with who needs it."""

import json

from release import lock, names
from schemas import apis

ENGINE = {"name": "engine", "image": "vllm/vllm-openai@sha256:abc", "args": ["--model", "a/b", "--revision", "c"]}


def _deployment(*containers):
    engines = [
        {"name": f"e{n}", "members": [{"role": "Standalone", "template": {"spec": {"containers": [c]}}}]}
        for n, c in enumerate(containers)
    ]
    metadata = {"name": "qwen", "namespace": "ml"}
    return {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": metadata,
        "spec": {"engines": engines},
    }


def _pod(image, cluster="west"):
    metadata = {"name": "p", "namespace": "mp-ml", "annotations": {"modelplane.ai/cluster": cluster}}
    return {"kind": "Pod", "metadata": metadata, "spec": {"initContainers": [{"image": image}]}}


def test_an_image_is_listed_once_with_all_who_need_it():
    found = lock.lock([_pod("x:v1", "west"), _pod("x:v1", "east"), _pod("y@sha256:1")], None)["images"]
    assert found == [
        {"image": "x:v1", "digest": None, "neededBy": ["Pod mp-ml/p on east", "Pod mp-ml/p on west"]},
        {"image": "y@sha256:1", "digest": "sha256:1", "neededBy": ["Pod mp-ml/p on west"]},
    ]


def test_a_chart_is_listed_by_repository_and_version():
    chart = {"repository": "oci://example.com/charts", "name": "c", "version": "v1"}
    release = {
        "kind": "Release",
        "metadata": {"name": "r", "namespace": "s"},
        "spec": {"forProvider": {"chart": chart}},
    }
    found = lock.lock([release], None)["charts"]
    assert found == [{"chart": "oci://example.com/charts/c", "version": "v1", "neededBy": ["Release s/r"]}]


def test_a_model_is_listed_with_its_revision_and_a_path_is_not():
    local = {**ENGINE, "args": ["--model", "/mnt/models"]}
    found = lock.lock([_deployment(ENGINE, ENGINE, local)], None)["models"]
    assert found == [{"model": "a/b", "revision": "c", "neededBy": ["ModelDeployment ml/qwen"]}]


def test_a_cache_names_what_it_fetches():
    source = {"source": "HuggingFace", "huggingFace": {"repo": "a/b", "sizeGiB": 1}}
    cache = {"kind": "ModelCache", "metadata": {"name": "c", "namespace": "ml"}, "spec": source}
    assert lock.lock([cache], None)["models"] == [{"model": "a/b", "revision": None, "neededBy": ["ModelCache ml/c"]}]


def test_every_package_is_listed_with_the_digest_that_was_built(tmp_path):
    row = {"name": names.CONFIGURATION, "version": names.version(), "digest": "sha256:1"}
    (tmp_path / "index.json").write_text(json.dumps([row]))
    found = {r["package"]: r["digest"] for r in lock.lock([], tmp_path)["packages"]}
    ours = {f"{names.package(n)}:{names.version()}" for n in (names.CONFIGURATION, *apis.function_names())}
    assert ours <= set(found)
    assert [p for p, digest in found.items() if digest] == [f"{names.package(names.CONFIGURATION)}:{names.version()}"]


def test_digests_of_another_version_are_not_taken(tmp_path):
    row = {"name": names.CONFIGURATION, "version": "v0.0.1", "digest": "sha256:1"}
    (tmp_path / "index.json").write_text(json.dumps([row]))
    assert not any(r["digest"] for r in lock.lock([], tmp_path)["packages"])
