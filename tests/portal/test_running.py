"""How commands end for people who type them."""

from __future__ import annotations

import errno

import click
import pytest

from portal.cli.main import cli, run


@pytest.mark.parametrize("group", [[], ["audit"], ["openapi"], ["schema"], ["user"]])
def test_group_without_command_shows_help(
    group: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["kubeportal", *group])
    with pytest.raises(SystemExit) as ended:
        run(cli)
    assert ended.value.code == 2
    usage, *rest = capsys.readouterr().err.splitlines()
    assert usage.startswith(" ".join(["Usage: kubeportal", *group]))
    assert "Options:" in rest
    assert "Commands:" in rest


def test_os_error_names_the_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def failing() -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/var/lib/portal.json")

    monkeypatch.setattr("sys.argv", ["kubeportal"])
    with pytest.raises(SystemExit):
        run(failing)
    assert capsys.readouterr().err == "kubeportal: /var/lib/portal.json: Permission denied\n"
