"""A mistake in the operator's folder stops the start, with one line that names the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from portal.settings import Settings, SettingsError
from portal.web.app import Contract, create_app
from tests.callers import SECRET
from tests.live.processes import kubeportal

APOLLO = {"format": "apollo-persisted-query-manifest", "version": 1}
MISTAKES: dict[str, tuple[str, str | bytes, str]] = {
    "syntax": ("A.graphql", "{ viewer {", "Syntax Error"),
    "an unknown field": ("A.graphql", "{\n  nothing\n}", "Cannot query field 'nothing'.*line 2"),
    "an empty file": ("A.graphql", "", "Syntax Error"),
    "no operation": ("A.graphql", "fragment F on User { id }", "never used"),
    "an id of ours": ("UserGroups.graphql", "{ viewer { id } }", "another document.*UserGroups"),
    "no UTF-8": ("A.graphql", b"\xff", "decode"),
    "no JSON": ("m.json", "{", "m.json: unexpected end"),
    "a list": ("m.json", "[]", "not a manifest"),
    "a number": ("m.json", '{"a": 7}', "not a manifest: a "),
    "another format": ("m.json", '{"format": "other"}', "not a manifest: format"),
    "another version": (
        "m.json",
        json.dumps({**APOLLO, "version": 2, "operations": []}),
        "not a manifest: version",
    ),
    "no body": ("m.json", json.dumps({**APOLLO, "operations": [{"id": "a"}]}), "operations.0.body"),
    "a bad document": ("m.json", '{"a": "{ nothing }"}', "Cannot query field"),
    "a hash of something else": (
        "m.json",
        json.dumps({f"sha256:{'0' * 64}": "{ viewer { id } }"}),
        "not the hash",
    ),
}


def settings(folder: Path) -> Settings:
    return Settings(secret_key=(SecretStr(SECRET),), graphql_documents_path=folder)


@pytest.mark.parametrize("name", MISTAKES)
def test_the_line_names_file_and_mistake(contract: Contract, tmp_path: Path, name: str) -> None:
    file, content, message = MISTAKES[name]
    (tmp_path / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SettingsError, match=message) as raised:
        create_app(settings(tmp_path), contract=contract)
    assert str(raised.value).startswith(f"KUBEPORTAL_GRAPHQL_DOCUMENTS_PATH: {file}: ")


def test_a_folder_that_is_not_there_is_a_mistake(contract: Contract, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is not a folder"):
        create_app(settings(tmp_path / "missing"), contract=contract)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_command_ends_with_that_line(tmp_path: Path, workers: str) -> None:
    (tmp_path / "A.graphql").write_text("{ nothing }")
    outcome = kubeportal(
        *("serve", "--port", "0", "--workers", workers),
        folder=tmp_path,
        KUBEPORTAL_GRAPHQL_DOCUMENTS_PATH=str(tmp_path),
    )
    assert outcome.returncode == 1
    [line] = [each for each in outcome.stderr.splitlines() if each.startswith("kubeportal: ")]
    assert "A.graphql: Cannot query field 'nothing'" in line
    assert "Traceback" not in outcome.stderr
