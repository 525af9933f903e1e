import pytest
from contract import picker


@pytest.mark.parametrize(
    ("image", "version", "name"),
    [
        (None, None, "v0.10"),
        (None, "v0.7.1", "v0.7"),
        ("ghcr.io/llm-d/llm-d-router-endpoint-picker:v0.9.2", None, "v0.9"),
        ("registry:5000/picker:v0.10.0-rc.1", None, "v0.10"),
        ("registry:5000/picker:0.8.0@sha256:abc", None, "v0.8"),
        ("registry:5000/picker@sha256:abc", "v0.11.3", "v0.11"),
        ("picker:v0.7.1", "v0.10.0", "v0.10"),
    ],
)
def test_the_version_decides_the_dialect(image, version, name):
    dialect = picker.dialect_of(image, version)
    assert isinstance(dialect, picker.Dialect)
    assert dialect.name == name


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("picker:latest", None),
        ("picker", None),
        ("host:5000/picker@sha256:abc", None),
        ("picker:v0.6.0", None),
        (None, "v1.0.0"),
    ],
)
def test_a_version_that_is_not_known_is_refused_with_those_that_are(image, version):
    found = picker.dialect_of(image, version)
    assert isinstance(found, picker.UnknownVersion)
    assert found.sentence.endswith("known are v0.7, v0.8, v0.9, v0.10, v0.11")


@pytest.mark.parametrize(
    ("dialect", "engine", "size"),
    [("v0.8", 16, 16), ("v0.10", 16, 64), ("v0.10", 48, 96), ("v0.10", 128, 128), ("v0.10", 1, 64)],
)
def test_the_pickers_blocks_are_a_multiple_of_the_engines(dialect, engine, size):
    assert picker.block_size(picker.DIALECTS[dialect], engine) == size
