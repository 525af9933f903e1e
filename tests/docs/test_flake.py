"""The flake evaluates, with a stub for nixpkgs: every name of ours is defined, and the stub lists what we take of theirs."""

import json
import os
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIN = runpy.run_path(str(ROOT / "nix" / "pin.py"))


def test_the_hash_of_the_wheels_is_of_these_requirements():
    pinned = json.loads((ROOT / "nix" / "wheels.json").read_text())
    assert pinned["requirements"] == PIN["of_requirements"](), "run `python nix/pin.py`"


def test_a_folder_is_hashed_as_nix_does(tmp_path):
    (tmp_path / "b.whl").write_text("abc")
    (tmp_path / "B-1.whl").write_text("12345678")
    # What `nix hash path` of Nix 2.8.0 printed for these files.
    assert PIN["of_folder"](tmp_path) == "sha256-yPTfsNCyubJp7lB2EOJSh4R+93Bj6tg/GW2ZFrl4y0U="


@pytest.mark.skipif(shutil.which("nix") is None, reason="nix is not installed")
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
