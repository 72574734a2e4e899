"""The format of a declaration: types and structure. The rules for values are those of the core.

What an entry does not name is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, PydanticCustomError
from tortoise.models import Model

from models import Group, GroupMembership, User, WebApp, WebAppCategory, username_key
from portal.declared.file import File, read_file
from portal.logs import printable
from resolvers.errors import BadUserInput, FieldError
from resolvers.errors import Path as FieldPath
from resolvers.rules import clean, email

MESSAGES = {
    "missing": "This field is required.",
    "string_type": "Must be a text: put it in quotes.",
    "string_unicode": "Must be valid Unicode.",
    "bool_type": "Must be true or false.",
    "list_type": "Must be a list.",
    "model_type": "Must be a mapping.",
}


def _rule_error(invalid: BadUserInput) -> PydanticCustomError:
    """Pydantic adds the path of the value to it; the errors may lead further into the value."""
    return PydanticCustomError("rule", "", {"errors": invalid.errors})


def _verified_email(address: str) -> str:
    try:
        return str(email(address)).lower()
    except BadUserInput as invalid:
        raise _rule_error(invalid) from None


class Entry(BaseModel):
    """`model` has the rules for those fields that are its columns."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel)
    model: ClassVar[type[Model] | None] = None

    @field_validator("*")
    @classmethod
    def _clean(cls, value: Any, info: ValidationInfo) -> Any:
        if cls.model is None or info.field_name is None:
            return value
        try:
            return clean(cls.model, info.field_name, value)
        except BadUserInput as invalid:
            raise _rule_error(invalid) from None

    def names(self, field: str) -> bool:
        return field in self.model_fields_set

    def named(self, *fields: str) -> dict[str, Any]:
        """The values of those fields that the entry names."""
        return {field: getattr(self, field) for field in fields if self.names(field)}


class DeclaredGroup(Entry):
    model = Group

    name: str
    can_admin: bool = False
    membership: Annotated[GroupMembership, Field(strict=False)] = GroupMembership.MANUAL
    webapps: list[str] = []

    @property
    def columns(self) -> dict[str, Any]:
        return self.named("can_admin", "membership")


class DeclaredWebApp(Entry):
    model = WebApp

    name: str
    link_name: str | None = None
    link_url: str | None = None
    link_show: bool = False
    category: Annotated[WebAppCategory | None, Field(strict=False)] = None

    @property
    def columns(self) -> dict[str, Any]:
        return self.named("link_name", "link_url", "link_show", "category")


class DeclaredServiceAccount(Entry):
    namespace: str
    name: str
    cluster: str = ""


class DeclaredUser(Entry):
    model = User

    username: str
    first_name: str = ""
    last_name: str = ""
    primary_email: str | None = None
    alternative_emails: list[str] = []
    verified_emails: list[Annotated[str, AfterValidator(_verified_email)]] = []
    superuser: bool = False
    active: bool = True
    password: SecretStr = SecretStr("")
    password_hash: SecretStr = SecretStr("")
    groups: list[str] = []
    service_account: DeclaredServiceAccount | None = None

    @field_validator("password_hash")
    @classmethod
    def _check_single_password(cls, password_hash: SecretStr, info: ValidationInfo) -> SecretStr:
        if info.data.get("password"):
            raise _rule_error(BadUserInput(FieldError("Give a password or its hash, not both.")))
        return password_hash

    @property
    def columns(self) -> dict[str, Any]:
        columns = self.named("first_name", "last_name", "primary_email", "alternative_emails")
        flags = self.named("superuser", "active")
        return columns | {f"is_{flag}": value for flag, value in flags.items()}


class Declaration(Entry):
    groups: list[DeclaredGroup] = []
    webapps: list[DeclaredWebApp] = []
    users: list[DeclaredUser] = []


FORMS: dict[FieldPath, type[Entry]] = {
    (): Declaration,
    ("groups",): DeclaredGroup,
    ("webapps",): DeclaredWebApp,
    ("users",): DeclaredUser,
    ("users", "serviceAccount"): DeclaredServiceAccount,
}


def read_declaration(path: Path) -> tuple[File, Declaration]:
    """Raises DeclarationError with all mistakes that the file alone shows."""
    file = read_file(path)
    try:
        declaration = Declaration.model_validate(file.values)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        raise file.error(each for problem in problems for each in _mistakes(problem)) from None
    if mistakes := list(_repeated_names(file, declaration)):
        raise file.error(mistakes)
    return file, declaration


def yaml_key(column: str) -> str:
    """A column in the words of a declaration: `is_active` is `active`."""
    return to_camel(column.removeprefix("is_"))


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """A question after the nearest known name, if there is one."""
    by_key = {candidate.casefold(): candidate for candidate in known}
    nearest = get_close_matches(name.casefold(), by_key, n=1)
    return f"did you mean {printable(by_key[nearest[0]])}?" if nearest else None


def _mistakes(problem: ErrorDetails) -> Iterator[FieldError]:
    path, kind = problem["loc"], problem["type"]
    if kind == "rule":
        for error in problem["ctx"]["errors"]:
            # The path begins with the column, which pydantic names as well
            yield FieldError(error.message, (*path, *error.path[1:]))
    elif kind == "extra_forbidden":
        yield FieldError(_unknown_key(path), path)
    elif kind == "enum":
        yield FieldError(f"Must be {problem['ctx']['expected'].replace(chr(39), '')}.", path)
    else:
        yield FieldError(MESSAGES[kind], path)


def _unknown_key(path: FieldPath) -> str:
    key = str(path[-1])
    if ":" in key:
        return "Put a space after the colon."
    form = FORMS[tuple(step for step in path[:-1] if isinstance(step, str))]
    known = [str(field.alias) for field in form.model_fields.values()]
    return f"Unknown key: {suggestion(key, known) or 'known are ' + ', '.join(known) + '.'}"


def _repeated_names(file: File, declaration: Declaration) -> Iterator[FieldError]:
    first: dict[tuple[str | int, str], FieldPath] = {}
    for path, name in _names(declaration):
        earlier = first.setdefault((path[0], name), path)
        if earlier != path:
            message = f"The file names this twice, first in line {file.line(earlier)}."
            yield FieldError(message, path)


def _names(declaration: Declaration) -> Iterator[tuple[FieldPath, str]]:
    for number, group in enumerate(declaration.groups):
        yield ("groups", number, "name"), group.name
    for number, webapp in enumerate(declaration.webapps):
        yield ("webapps", number, "name"), webapp.name
    for number, user in enumerate(declaration.users):
        yield ("users", number, "username"), username_key(user.username)
