"""The flake evaluates, with a stub for nixpkgs: every name of ours is defined, and the stub lists what we take of theirs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(shutil.which("nix") is None, reason="nix is not installed")


def test_the_flake_evaluates(tmp_path):
    for name in ("flake.nix", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "nix", tmp_path / "nix")
    stub = shutil.copytree(Path(__file__).with_name("nixpkgs-stub"), tmp_path / "stub")
    offline = ("--extra-experimental-features", "nix-command flakes", "--option", "substitute", "false", "--offline")
    check = ("flake", "check", "--no-build", "--no-write-lock-file", f"path:{tmp_path}")
    told = subprocess.run(
        ["nix", *offline, *check, "--override-input", "nixpkgs", f"path:{stub}"],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr


def test_scripts_pass_shellcheck():
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    told = subprocess.run(
        ["shellcheck", str(ROOT / "nix.sh"), *map(str, sorted((ROOT / ".ci").iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout
