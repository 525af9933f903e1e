"""What runs on the cluster: look a commit up, or fetch its files into the volume. Safe to interrupt and to repeat.

`python -m compose_cluster_cache.hydrate resolve|fetch`, with MODELPLANE_REPO, MODELPLANE_REVISION and, as huggingface_hub
knows them, HF_ENDPOINT, HF_HOME and HF_TOKEN. Exit codes are those of `causes`; the last words go to TERMINATION_LOG.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from compose_cluster_cache import causes

TERMINATION_LOG = "/dev/termination-log"
VOLUME = "/mnt/models"
# Where huggingface_hub writes what it fetches, under names that no later process takes up.
_PARTS = ".cache/**/*.incomplete"
# Says what a volume is for: weights of another commit never come under those that are in use.
_OWNER = ".modelplane-cache.json"
_WORKERS = 4


class FullError(Exception):
    """The volume cannot hold the weights."""


class OtherError(Exception):
    """The volume is for other weights."""


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Do what is asked; the exit code."""
    # Engines of any user write beside the weights.
    os.umask(0)
    try:
        told, code = COMMANDS[arguments[0]](environment), 0
    except Exception as e:  # noqa: BLE001  # Whatever it is, the last words say it.
        code = _cause(e)
        told = causes.SENTENCES.get(code) or " ".join(f"{type(e).__name__}: {e}".split())
    print(told, flush=True)  # noqa: T201  # The pod's log.
    _last_words(environment, told)
    return code


def resolve(environment: Mapping[str, str]) -> str:
    """The commit behind a branch or tag; what the volume is for already, once it is for one."""
    owner = _owner(_volume(environment))
    if owner.get("repo") == environment["MODELPLANE_REPO"]:
        return owner["revision"]
    found = HfApi().model_info(environment["MODELPLANE_REPO"], revision=environment["MODELPLANE_REVISION"])
    return str(found.sha)


def fetch(environment: Mapping[str, str]) -> str:
    """Fetch what is missing of the commit's files into the volume."""
    repo, revision = environment["MODELPLANE_REPO"], environment["MODELPLANE_REVISION"]
    volume = _volume(environment)
    wanted = {"repo": repo, "revision": revision}
    if _owner(volume) not in ({}, wanted):
        raise OtherError(f"the volume is for {_owner(volume)}")
    (volume / _OWNER).write_text(json.dumps(wanted), encoding="utf-8")
    # Of a pod that was killed: whoever comes next is alone, since a Job replaces a pod when it has ended.
    for part in volume.glob(_PARTS):
        part.unlink(missing_ok=True)
    _see_that_it_fits(repo, revision, volume)
    snapshot_download(repo, revision=revision, local_dir=volume, max_workers=_WORKERS)
    return f"{repo} is there at {revision}"


COMMANDS: Mapping[str, Callable[[Mapping[str, str]], str]] = {"resolve": resolve, "fetch": fetch}


def _see_that_it_fits(repo: str, revision: str, volume: Path) -> None:
    """Raise FullError now, and not hours later when the volume is full."""
    info = HfApi().model_info(repo, revision=revision, files_metadata=True)
    missing = sum(file.size or 0 for file in info.siblings or [] if not _is_there(volume / file.rfilename, file.size))
    if missing > shutil.disk_usage(volume).free:
        raise FullError(f"{missing} bytes are missing, {shutil.disk_usage(volume).free} are free")


def _volume(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("MODELPLANE_VOLUME", VOLUME))


def _owner(volume: Path) -> dict[str, str]:
    """The repository and commit that the volume is for; empty when it is new."""
    try:
        found = json.loads((volume / _OWNER).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return {"repo": str(found["repo"]), "revision": str(found["revision"])}


def _is_there(file: Path, size: int | None) -> bool:
    return file.is_file() and file.stat().st_size == size


def _cause(error: BaseException) -> int:
    """The exit code for what went wrong: 1 for what may be well at the next try."""
    for each in _chain(error):
        if isinstance(each, FullError) or (isinstance(each, OSError) and each.errno in (errno.ENOSPC, errno.EDQUOT)):
            return causes.FULL
        if isinstance(each, OtherError):
            return causes.OTHER
        if isinstance(each, GatedRepoError):
            return causes.REFUSED
        if isinstance(each, RepositoryNotFoundError | RevisionNotFoundError):
            return causes.NOT_FOUND
        if isinstance(each, HfHubHTTPError) and each.response is not None and each.response.status_code in (401, 403):
            return causes.REFUSED
    return 1


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it was raised from."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def _last_words(environment: Mapping[str, str], told: str) -> None:
    log = Path(environment.get("TERMINATION_LOG", TERMINATION_LOG))
    if log.exists():
        log.write_text(told, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
