"""The format of a declaration. What an entry does not name is left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel

from models import GroupMembership, WebAppCategory
from models.groups import GROUP_NAME_LENGTH
from models.users import HASH_LENGTH, NAME_LENGTH
from models.webapps import LINK_URL_LENGTH, WEBAPP_NAME_LENGTH
from portal.declared.texts import (
    Line,
    check_cluster,
    check_email,
    check_label,
    check_link,
    check_placeholders,
    check_subdomain,
    check_username,
    check_verified_email,
)

UNKNOWN_HASH = (
    "is no hash that can be verified: known are Argon2, and of Django argon2, bcrypt_sha256,"
    " pbkdf2_sha256 and pbkdf2_sha1"
)

Email = Annotated[str, AfterValidator(check_email)]
VerifiedEmailAddress = Annotated[str, AfterValidator(check_verified_email)]
GroupName = Annotated[str, AfterValidator(Line(GROUP_NAME_LENGTH))]
WebAppName = Annotated[str, AfterValidator(Line(WEBAPP_NAME_LENGTH))]
LinkName = Annotated[WebAppName, AfterValidator(check_placeholders)]
LinkUrl = Annotated[str, AfterValidator(Line(LINK_URL_LENGTH)), AfterValidator(check_link)]
PersonName = Annotated[str, AfterValidator(Line(NAME_LENGTH, blank=True))]
Username = Annotated[str, AfterValidator(Line(NAME_LENGTH)), AfterValidator(check_username)]


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel)

    def names(self, field: str) -> bool:
        return field in self.model_fields_set

    def named(self, *fields: str) -> dict[str, Any]:
        """The values of those fields that the entry names."""
        return {field: getattr(self, field) for field in fields if self.names(field)}


class DeclaredGroup(Entry):
    name: GroupName
    can_admin: bool = False
    membership: Annotated[GroupMembership, Field(strict=False)] = GroupMembership.MANUAL
    webapps: list[WebAppName] = []


class DeclaredWebApp(Entry):
    name: WebAppName
    link_name: LinkName | None = None
    link_url: LinkUrl | None = None
    link_show: bool = False
    category: Annotated[WebAppCategory | None, Field(strict=False)] = None


class DeclaredServiceAccount(Entry):
    namespace: Annotated[str, AfterValidator(check_label)]
    name: Annotated[str, AfterValidator(check_subdomain)]
    cluster: Annotated[str, AfterValidator(check_cluster)] = ""


class DeclaredUser(Entry):
    """Validated in the context of a function that says whether it knows a password hash."""

    username: Username
    first_name: PersonName = ""
    last_name: PersonName = ""
    primary_email: Email | None = None
    alternative_emails: list[Email] = []
    verified_emails: list[VerifiedEmailAddress] = []
    superuser: bool = False
    active: bool = True
    password: SecretStr = SecretStr("")
    password_hash: SecretStr = SecretStr("")
    groups: list[GroupName] = []
    service_account: DeclaredServiceAccount | None = None

    @field_validator("password")
    @classmethod
    def _check_password(cls, password: SecretStr) -> SecretStr:
        if not password:
            raise ValueError("may not be blank")
        return password

    @field_validator("password_hash")
    @classmethod
    def _check_password_hash(
        cls, stored: SecretStr, info: ValidationInfo[Callable[[str], bool]]
    ) -> SecretStr:
        if info.data.get("password"):
            raise ValueError("give a password or its hash, not both")
        if len(stored) > HASH_LENGTH or not info.context(stored.get_secret_value()):
            raise ValueError(UNKNOWN_HASH)
        return stored


class Declaration(Entry):
    groups: list[DeclaredGroup] = []
    webapps: list[DeclaredWebApp] = []
    users: list[DeclaredUser] = []
