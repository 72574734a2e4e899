"""Changes of the schema, and which of them clients would feel."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema

from portal.cli.contract import ContractError, check_schema, compare, print_schema, read_documents
from portal.web.app import REST_DOCUMENTS
from tests.live.processes import kubeportal

COMMITTED = Path(__file__).parents[2] / "schema.graphql"


@pytest.fixture(scope="module")
def sdl() -> str:
    return print_schema()


@pytest.fixture
def relied_on(tmp_path: Path) -> Path:
    """The schema that clients rely on."""
    return tmp_path / "schema.graphql"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The documents of a client."""
    folder = tmp_path / "documents" / "client"
    folder.mkdir(parents=True)
    return folder


def replaced(sdl: str, pattern: str, replacement: str) -> str:
    changed, number = re.subn(pattern, replacement, sdl)
    assert number == 1
    return changed


def test_the_same_schema_has_no_change(sdl: str, relied_on: Path) -> None:
    relied_on.write_text(sdl)
    found = check_schema(relied_on)
    assert (str(found), found.failure) == ("Nothing changed.", None)
    assert found.documents > 20


@pytest.mark.parametrize(
    ("now", "before", "change"),
    [
        (
            r"type Portal .*\{",
            r"\g<0>\n  motto: String",
            "breaking: Field Portal.motto was removed.",
        ),
        (
            r"enum MemoryUnit \{",
            r"\g<0>\n  NIBBLE",
            "breaking: Enum value MemoryUnit.NIBBLE was removed.",
        ),
        (
            r"input LoginInput \{",
            r"\g<0>\n  captcha: String!",
            "breaking: Field LoginInput.captcha was removed.",
        ),
        (
            r'  """One byte."""\n  BYTE\n',
            "",
            "dangerous: Enum value MemoryUnit.BYTE was added.",
        ),
        (
            r"(type Group implements Node) @guard.* \{",
            r"\1 {",
            "dangerous: Group had no guard, now it has @guard(permission: SEE_GROUP).",
        ),
        (
            r'  """The name of the portal, which the operator chooses."""\n  name: String!\n',
            "",
            "safe: Field Portal.name was added.",
        ),
        (
            r"input LoginWithGoogleInput @oneOf",
            "input LoginWithGoogleInput",
            "breaking: LoginWithGoogleInput takes exactly one of its fields now.",
        ),
        (
            r"input LoginInput ",
            "input LoginInput @oneOf ",
            "safe: LoginInput takes several of its fields now.",
        ),
    ],
    ids=[
        "field",
        "enum value",
        "input field",
        "new enum value",
        "guard",
        "new field",
        "one of its fields",
        "several fields",
    ],
)
def test_severity_of_changes(sdl: str, relied_on: Path, now: str, before: str, change: str) -> None:
    relied_on.write_text(replaced(sdl, now, before))
    found = check_schema(relied_on)
    assert change in str(found).splitlines()
    assert bool(found.failure) == change.startswith("breaking")


def test_broken_documents_are_named(sdl: str, relied_on: Path, folder: Path) -> None:
    relied_on.write_text(replaced(sdl, "  restApiVersion: String!", "  motto: String!"))
    (folder / "portal.graphql").write_text(
        "query Name { portal { name } }\nquery Motto { portal { ...Words } }\n"
        "fragment Words on Portal { motto }\n"
    )
    found = check_schema(relied_on, [folder.parent])
    assert [str(broken) for broken in found.broken] == [
        f"broken: Motto in {folder}/portal.graphql:3: Cannot query field 'motto' on type 'Portal'."
    ]
    assert found.failure


def test_deprecations() -> None:
    old = "type Query { motto(loud: Boolean): String } enum Kind { ONE } input Make { kind: Kind }"
    deprecated = '@deprecated(reason: "Nobody reads it.")'
    new = (
        f"type Query {{ motto(loud: Boolean {deprecated}): String {deprecated} }}"
        f" enum Kind {{ ONE {deprecated} }} input Make {{ kind: Kind {deprecated} }}"
    )
    found = compare(build_schema(old), build_schema(new), [])
    places = ("Query.motto", "Query.motto(loud:)", "Kind.ONE", "Make.kind")
    assert sorted(str(found).splitlines()) == sorted(
        f"safe: {place} is deprecated now: Nobody reads it." for place in places
    )
    assert str(compare(build_schema(new), build_schema(new), [])) == "Nothing changed."


def test_fragments_can_be_separate_files(folder: Path) -> None:
    (folder / "a.graphql").write_text("query A { portal { ...Words } }")
    (folder / "b.graphql").write_text(
        "query B { portal { ...Words } } fragment Words on Portal { name }"
    )
    (folder / "words.graphql").write_text("fragment Words on Portal { motto }")
    [broken] = check_schema(COMMITTED, [folder.parent]).broken
    assert str(broken).startswith(f"broken: A in {folder}/a.graphql:1: Cannot query field 'motto'")


def test_a_document_beyond_the_limits_is_broken(folder: Path) -> None:
    aliases = " ".join(f"a{number}: name" for number in range(31))
    (folder / "large.graphql").write_text(f"{{ portal {{ {aliases} }} }}")
    [broken] = check_schema(COMMITTED, [folder]).broken
    assert str(broken).endswith("The operation has 31 aliases; at most 30 are allowed.")


def test_the_documents_of_rest_are_known() -> None:
    documents = list(read_documents(REST_DOCUMENTS))
    schema = build_schema("type Query { motto: String }")
    broken = {each.document.operation for each in compare(schema, schema, documents).broken}
    assert "Bootstrap" in broken
    assert len(broken) == len(documents)


@pytest.mark.parametrize(
    ("text", "message"),
    [("type {", "is not a valid schema"), ("type Query { zoo: Zoo }", "is not a valid schema")],
    ids=["syntax", "unknown type"],
)
def test_invalid_schema(relied_on: Path, text: str, message: str) -> None:
    relied_on.write_text(text)
    with pytest.raises(ContractError, match=message):
        check_schema(relied_on)


@pytest.mark.parametrize(
    "manifest",
    [
        {"abc": "{ zoo }"},
        {
            "format": "apollo-persisted-query-manifest",
            "version": 1,
            "operations": [{"id": "abc", "body": "{ zoo }", "name": "Zoo", "type": "query"}],
        },
    ],
    ids=["by id", "of Apollo"],
)
def test_manifest_holds_documents(folder: Path, manifest: dict[str, Any]) -> None:
    file = folder / "manifest.json"
    file.write_text(json.dumps(manifest))
    [broken] = check_schema(COMMITTED, [file]).broken
    assert str(broken).startswith(f"broken: the operation in {file}:1: Cannot query field 'zoo'")


def test_other_json_files_are_ignored(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"abc": "{ zoo }"}')
    (folder / "package.json").write_text('{"name": "client", "dependencies": {}}')
    (folder / "words.json").write_text('{"hello": "Hello there!"}')
    [broken] = check_schema(COMMITTED, [folder.parent]).broken
    assert broken.document.file == folder / "manifest.json"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("one.graphql", b"query {", "is not valid GraphQL"),
        ("one.graphql", b"\xff", "cannot be read"),
        ("manifest.json", b"{}}", "cannot be read"),
        ("manifest.json", b'{"id": 1}', "cannot be read"),
        ("manifest.json", b'{"id": "{"}', "is not valid GraphQL"),
    ],
    ids=["syntax", "no text", "no JSON", "no manifest", "syntax in a manifest"],
)
def test_invalid_document(folder: Path, name: str, text: bytes, message: str) -> None:
    (folder / name).write_bytes(text)
    with pytest.raises(ContractError, match=message):
        check_schema(COMMITTED, [folder / name])


def test_a_folder_without_documents_is_refused(folder: Path) -> None:
    with pytest.raises(ContractError, match="contains no"):
        check_schema(COMMITTED, [folder])


def test_json_report(sdl: str, relied_on: Path, folder: Path) -> None:
    relied_on.write_text(replaced(sdl, r"enum MemoryUnit \{", r"\g<0>\n  NIBBLE"))
    (folder / "one.graphql").write_text("{ zoo }")
    command = ("schema", "check", "--json", "--documents", "documents")
    outcome = kubeportal(*command, folder=relied_on.parent)
    assert outcome.returncode == 1
    assert outcome.stderr.startswith("kubeportal: Clients would break. Breaking changes: 1; ")
    report = json.loads(outcome.stdout)
    assert report["compatible"] is False
    assert report["changes"] == [
        {
            "severity": "breaking",
            "type": "VALUE_REMOVED_FROM_ENUM",
            "description": "Enum value MemoryUnit.NIBBLE was removed.",
        }
    ]
    [broken] = report["broken"]
    assert broken["errors"][0]["locations"] == [{"line": 1, "column": 3}]


def test_compatible_change_exits_with_0(sdl: str, relied_on: Path) -> None:
    relied_on.write_text(sdl)
    outcome = kubeportal("schema", "check", folder=relied_on.parent)
    assert (outcome.returncode, outcome.stdout) == (0, "Nothing changed.\n")
