"""README installs as the page does, whose commands are run by tests/e2e/test_install_commands.py, at this version."""

import re
from pathlib import Path

from release import names

ROOT = Path(__file__).resolve().parents[2]
README, PAGE = ((ROOT / file).read_text() for file in ("README.md", "docs/how-to/install.md"))


def test_the_readme_has_the_commands_of_the_page():
    section = README.partition("## Install it")[2].partition("\n## ")[0]
    commands = re.findall(r"^(?:kubectl|crossplane) .*$", section, re.MULTILINE)
    assert len(commands) == 2
    assert all(command in PAGE for command in commands)


def test_both_name_this_version():
    named = re.findall(r"modelplane/configuration:(v[\d.]+)", README + PAGE)
    assert len(named) >= 3
    assert set(named) == {names.version()}
