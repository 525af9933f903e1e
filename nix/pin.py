"""`python nix/pin.py`: fetch the wheels of requirements.txt as wheels.nix does, and write their hash into wheels.json.

It needs no Nix: what Nix hashes of a folder is its NAR, which takes few lines to make.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PINNED = HERE / "wheels.json"
REQUIREMENTS = HERE.parent / "requirements.txt"


def of_requirements() -> str:
    """The hash of the file that the pinned one belongs to."""
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()


def of_folder(folder: Path) -> str:
    """What `nix hash path` prints for a folder of plain files."""
    nar = _text("nix-archive-1") + _text("(", "type", "directory")
    for file in sorted(folder.iterdir(), key=lambda file: file.name.encode()):
        node = _text("(", "type", "regular", "contents") + _string(file.read_bytes()) + _text(")")
        nar += _text("entry", "(", "name", file.name, "node") + node + _text(")")
    return "sha256-" + base64.b64encode(hashlib.sha256(nar + _text(")")).digest()).decode()


def _text(*words: str) -> bytes:
    return b"".join(_string(word.encode()) for word in words)


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(8, "little") + data + b"\0" * (-len(data) % 8)


def _download(arguments: list[str], folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", *arguments, "-r", str(REQUIREMENTS), "-d", str(folder)]
    subprocess.run(command, check=True)


def main() -> None:
    """Write the two hashes; the arguments of pip stay as they are."""
    pinned = json.loads(PINNED.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as work:
        _download(pinned["pip"], Path(work))
        pinned |= {"requirements": of_requirements(), "outputHash": of_folder(Path(work))}
    PINNED.write_text(json.dumps(pinned, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
