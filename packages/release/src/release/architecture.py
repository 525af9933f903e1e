"""The architectures that images are made for, and what they are called by Debian, by C, by wheels and by Python."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """One row; `name` is Debian's name and that of images."""

    name: str
    triplet: str
    loader: str
    wheels: str
    machine: str

    @property
    def libraries(self) -> str:
        """Where the C libraries are in an image."""
        return f"usr/lib/{self.triplet}"


AMD64 = Architecture("amd64", "x86_64-linux-gnu", "ld-linux-x86-64.so.2", "x86_64-manylinux_2_36", "x86_64")
ARM64 = Architecture("arm64", "aarch64-linux-gnu", "ld-linux-aarch64.so.1", "aarch64-manylinux_2_36", "aarch64")
# Of a Debian package that is the same for each.
ALL = "all"
TABLE = {each.name: each for each in (AMD64, ARM64)}
# What builds the images and compiles their modules, which are the same for all.
BUILDER = AMD64
