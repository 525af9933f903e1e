"""A chart from a folder's files: one archive for the same files, as Helm reads it."""

import gzip
import io
import tarfile

import yaml
from local import charts

FILES = {"Chart.yaml": b"{apiVersion: v2, name: other, version: v0.0.0}", "templates/a.yaml": b"kind: A"}


def test_the_same_files_are_the_same_bytes_in_any_order():
    first, again = charts.pack("a", "1.0.0", FILES), charts.pack("a", "1.0.0", dict(reversed(FILES.items())))
    assert first == again
    assert first.archive[4:8] == bytes(4), "gzip notes the time"
    with tarfile.open(fileobj=io.BytesIO(first.archive)) as tar:
        assert {entry.mtime for entry in tar} == {0}


def test_name_and_version_are_those_that_it_is_published_by():
    """Helm finds all of a chart below one folder that has its name, and refuses a version that Chart.yaml does not say."""
    packed = charts.pack("a", "1.0.0", FILES)
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed.archive))) as tar:
        assert tar.getnames() == ["a/Chart.yaml", "a/templates/a.yaml"]
    assert packed.metadata == {"apiVersion": "v2", "name": "a", "version": "1.0.0"}
    assert yaml.safe_load(charts.unpack(packed)["Chart.yaml"]) == packed.metadata


def test_a_template_of_values_becomes_values():
    """As the project's release script does it."""
    values = b"{image: ${GatewayImage}, pull: ${GatewayImagePullPolicy}}"
    files = {"Chart.yaml": FILES["Chart.yaml"], "values.tmpl.yaml": values}
    charts._envoy_gateway(files, "v1.8.3")
    assert set(files) == {"Chart.yaml", "values.yaml"}
    assert yaml.safe_load(files["values.yaml"]) == {
        "image": "docker.io/envoyproxy/gateway:v1.8.3",
        "pull": "IfNotPresent",
    }


def test_dependencies_that_are_not_in_the_folder_are_dropped():
    """Helm refuses a chart whose dependencies are missing, also when they are switched off."""
    chart = {"name": "a", "dependencies": [{"name": "crds"}, {"name": "grafana"}]}
    files = {"Chart.yaml": yaml.safe_dump(chart).encode(), "charts/crds/Chart.yaml": b"{}"}
    charts._kube_prometheus_stack(files, "")
    assert yaml.safe_load(files["Chart.yaml"])["dependencies"] == [{"name": "crds"}]
