"""One container of a pod: started, probed, started again with back-off, ended with grace."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.datapath import probes
from local.datapath.environment import UnresolvedError
from local.datapath.images import UnknownImageError
from local.datapath.launch import Launch
from local.errors import LocalError

Manifest = dict[str, Any]
_PATIENT = 600.0
_RETRY = 5.0
_SIGNALS = 128
# Of a termination message.
_LONGEST = 4096


def now() -> str:
    """The time as the API server writes it."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def back_off(restarts: int) -> float:
    """Seconds before the next start: at once, then 10, doubled each time up to five minutes."""
    return 0.0 if restarts == 0 else min(10.0 * 2 ** (restarts - 1), 300.0)


@dataclass
class Place:
    """Where a container runs: its pod's address, files, and who hears of changes."""

    address: str
    scratch: Path
    log: Path
    words: Path
    """What the container writes to its terminationMessagePath."""
    mark: dict[str, str]
    resolve: Callable[[Manifest], Launch]
    changed: threading.Event


@dataclass
class Container:
    """A container and what is known of it."""

    spec: Manifest
    place: Place
    policy: str
    state: Manifest = field(default_factory=lambda: {"waiting": {"reason": "PodInitializing"}})
    last: Manifest = field(default_factory=dict)
    restarts: int = 0
    ready: bool = False
    started: bool = False
    pid: int = 0
    ending: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def succeeded(self) -> bool:
        return bool(self.state.get("terminated", {}).get("exitCode") == 0)

    @property
    def failed(self) -> bool:
        return "terminated" in self.state and not self.succeeded

    def status(self) -> Manifest:
        """Its entry in the pod's status."""
        return {
            "name": self.name,
            "image": self.spec["image"],
            "imageID": "",
            "containerID": f"process://{self.pid}" if self.pid else "",
            "ready": self.ready,
            "started": self.started,
            "restartCount": self.restarts,
            "state": self.state,
            "lastState": self.last,
        }

    def run(self) -> None:
        """Until it is told to end, or has ended and is not to be restarted."""
        failures = 0
        while not self.ending.is_set():
            begun = time.monotonic()
            code = self._once()
            if code is None:
                self.ending.wait(_RETRY)
                continue
            if self.ending.is_set() or not self._again(code):
                break
            failures = 0 if time.monotonic() - begun > _PATIENT else failures
            self.last = self.state
            self._tell({"waiting": {"reason": "CrashLoopBackOff", "message": _waiting(back_off(failures))}})
            self.ending.wait(back_off(failures))
            failures += 1
            self.restarts += 1
        self.gone.set()
        self.place.changed.set()

    def _again(self, code: int) -> bool:
        return self.policy == "Always" or (self.policy == "OnFailure" and code != 0)

    def _once(self) -> int | None:
        """One run; its exit code, or None when it could not be started."""
        try:
            launch = self.place.resolve(self.spec)
        except UnknownImageError as e:
            self._tell({"waiting": {"reason": "ErrImagePull", "message": str(e)}})
            return None
        except (UnresolvedError, LocalError) as e:
            self._tell({"waiting": {"reason": "CreateContainerConfigError", "message": str(e)}})
            return None
        self.place.scratch.mkdir(parents=True, exist_ok=True)
        self.place.log.parent.mkdir(parents=True, exist_ok=True)
        self._empty_words()
        environment = {**self.place.mark, "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")}
        with self.place.log.open("ab") as log:
            os.fchmod(log.fileno(), 0o666)  # Who is not root opens /dev/stdout anew.
            process = subprocess.Popen(
                launch.argv(self.place.scratch),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=environment,
                start_new_session=True,
            )
        return self._attend(process, is_probed=not launch.idle)

    def _empty_words(self) -> None:
        self.place.words.parent.mkdir(parents=True, exist_ok=True)
        self.place.words.write_bytes(b"")
        self.place.words.chmod(0o666)

    def _attend(self, process: subprocess.Popen[bytes], *, is_probed: bool) -> int:
        self.pid, begun, ended = process.pid, now(), threading.Event()
        self.started = not is_probed or "startupProbe" not in self.spec
        self.ready = self.started and not (is_probed and "readinessProbe" in self.spec)
        self._tell({"running": {"startedAt": begun}})
        if is_probed:
            self._probe(ended)
        code = process.wait()
        ended.set()
        code = _SIGNALS - code if code < 0 else code
        self.pid, self.ready, self.started = 0, False, False
        reason = "Completed" if code == 0 else "Error"
        told = {"exitCode": code, "reason": reason, "startedAt": begun, "finishedAt": now()}
        message = self._last_words() or (self._tail() if code else "")
        self._tell({"terminated": {**told, "message": message} if message else told})
        return code

    def _probe(self, ended: threading.Event) -> None:
        for kind, told in (
            ("startupProbe", self._on_startup),
            ("readinessProbe", self._on_readiness),
            ("livenessProbe", self._on_liveness),
        ):
            if kind in self.spec:
                arguments = (self.spec[kind], kind, told, ended)
                threading.Thread(target=self._repeat, args=arguments, daemon=True).start()

    def _repeat(self, probe: Manifest, kind: str, told: Callable[[bool, str], None], ended: threading.Event) -> None:
        while kind != "startupProbe" and not self.started:
            if ended.wait(0.1):
                return
        done = ended if kind != "startupProbe" else threading.Event()

        def verdict(passed: bool, trouble: str) -> None:
            told(passed, trouble)
            if kind == "startupProbe":
                done.set()

        def once() -> str:
            if ended.is_set():
                done.set()
            return probes.run(probe, self.spec, self.place.address, self.execute)

        probes.repeat(probe, once, verdict, done)

    def _on_startup(self, passed: bool, trouble: str) -> None:
        if not passed:
            self._fail(trouble)
            return
        self.started = True
        self.ready = "readinessProbe" not in self.spec
        self.place.changed.set()

    def _on_readiness(self, passed: bool, _trouble: str) -> None:
        if self.ready != passed:
            self.ready = passed
            self.place.changed.set()

    def _on_liveness(self, passed: bool, trouble: str) -> None:
        if not passed:
            self._fail(trouble)

    def _fail(self, trouble: str) -> None:
        # A pod that ends may say that it is not well, so that nobody asks it any more; a kubelet lets it end.
        if self.ending.is_set():
            return
        with self.place.log.open("a") as log:
            log.write(f"kubelet: container {self.name} is killed, its probe failed: {trouble}\n")
        self.kill(signal.SIGTERM)
        if not self.ending.wait(2.0):
            self.kill(signal.SIGKILL)

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to the container's first process."""
        inner = first_process(self.pid)
        if inner:
            with contextlib.suppress(ProcessLookupError):
                os.kill(inner, number)

    def execute(self, words: list[str], seconds: float) -> int:
        """Run a command inside of the container."""
        inside = ["nsenter", f"--target={first_process(self.pid)}", "--mount", "--net", "--pid", "--root", "--", *words]
        return subprocess.run(inside, capture_output=True, timeout=seconds, check=False).returncode

    def end(self, grace: float) -> None:
        """preStop, SIGTERM, and SIGKILL when the grace is over; returns when it is gone."""
        deadline = time.monotonic() + grace
        self.ending.set()
        if self.pid:
            self._pre_stop(grace)
            self.kill(signal.SIGTERM)
            self.gone.wait(max(deadline - time.monotonic(), 0.1))
            self.kill(signal.SIGKILL)
        self.gone.wait(5)

    def _pre_stop(self, grace: float) -> None:
        hook = (self.spec.get("lifecycle") or {}).get("preStop") or {}
        if "sleep" in hook:
            self.gone.wait(min(float(hook["sleep"]["seconds"]), grace))
        elif "exec" in hook:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.execute(hook["exec"]["command"], grace)
        elif "httpGet" in hook:
            with contextlib.suppress(OSError):
                probes.get(hook["httpGet"], self.spec, self.place.address, grace)

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            return self.place.words.read_text(errors="replace")[:_LONGEST]
        return ""

    def _tail(self) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self.place.log.read_text(errors="replace").splitlines()[-3:])[-1000:]
        return ""

    def _tell(self, state: Manifest) -> None:
        if self.state != state:
            self.state = state
            self.place.changed.set()


def _waiting(seconds: float) -> str:
    return f"back-off {seconds:.0f}s restarting failed container"


def first_process(pid: int) -> int:
    """The first process of the container: the only child of the `unshare` that we started."""
    if pid:
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    return 0
