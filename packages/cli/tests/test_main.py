import click
import pytest
from cli import main as command_line


def test_a_bug_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever goes wrong in our own code, nobody is shown a traceback who did not ask for one."""

    @click.command()
    def broken() -> None:
        raise KeyError("lost")

    monkeypatch.setattr(command_line, "cli", broken)
    with pytest.raises(SystemExit) as stopped:
        command_line.main([])
    assert stopped.value.code == command_line.BUG
    assert "KeyError" in capsys.readouterr().err


def test_every_command_is_listed_and_exists() -> None:
    """The list that help shows without importing anything is the list of modules."""
    context = click.Context(command_line.cli)
    for name in command_line.cli.list_commands(context):
        assert command_line.cli.get_command(context, name) is not None
