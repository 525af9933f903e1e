"""ModelServices and endpoints of tests on a control plane, and what they are answered with at its gateway."""

from __future__ import annotations

import http.client
import json
import subprocess
from collections import Counter
from contextlib import contextmanager

import yaml

GATEWAY = "apiVersion: modelplane.ai/v1alpha1\nkind: InferenceGateway\nmetadata: {name: public}\nspec: {}\n"
BODY = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def gateway(plane):
    return plane.kubectl.one("ig", "public").get("status", {})


def ready(plane, kind, name):
    return plane.condition(kind, name, "RoutingReady").get("status") == "True"


def endpoint(name, url, labels, **spec):
    return {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": "ModelEndpoint",
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "spec": {"url": url, **spec},
    }


def service(name, *groups):
    endpoints = [{"selector": {"matchLabels": labels}, "weight": weight} for labels, weight in groups]
    return {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": "ModelService",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"endpoints": endpoints},
    }


@contextmanager
def applied(plane, *manifests):
    """On the control plane, and gone in the end."""
    text = yaml.safe_dump_all(manifests)
    plane.kubectl("apply", "-f", "-", stdin=text)
    try:
        yield
    finally:
        plane.kubectl("delete", "--ignore-not-found", "-f", "-", stdin=text)


def ask(url, path, method="POST", body=None, **headers):
    """Status, headers and body of one request."""
    link = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    try:
        content = json.dumps(body or BODY) if method == "POST" else None
        link.request(method, path, content, {"Content-Type": "application/json", **headers})
        answer = link.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        link.close()


def status_of(url, path, body=None):
    """The status of one request, or what went wrong."""
    try:
        return ask(url, path, body=body)[0]
    except OSError as e:
        return type(e).__name__


def answers(plane, url, name, status=200):
    """Wait until a service is Ready and what it says is so at the gateway, too."""
    path = f"/default/{name}/v1/chat/completions"
    plane.wait(f"{name} answers {status}", lambda: ask(url, path)[0] == status, patience=40)
    return path


def who(url, path, times):
    """Which provider answered how often."""
    found = Counter()
    for _ in range(times):
        status, _, text = ask(url, path)
        found[json.loads(text)["provider"] if status == 200 else status] += 1
    return found


@contextmanager
def cut_off(plane, url, name):
    """No packet goes to a cluster's pods, or comes from them."""
    secret = plane.kubectl.one("secret", f"{name}-kubeconfig", "-n", "modelplane-system")
    number, index = url.split(".")[1], secret["metadata"]["labels"]["modelplane.ai/local-cluster"]
    link = ("ip", "link", "set", f"mp{number}-{index}")
    subprocess.run([*link, "down"], check=True)
    try:
        yield
    finally:
        subprocess.run([*link, "up"], check=True)
