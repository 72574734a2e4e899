"""The error codes, and the exceptions that resolvers raise."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, TypeAlias

if TYPE_CHECKING:
    from tortoise.models import Model


class ErrorCode(Enum):
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    CONFLICT = "CONFLICT"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    RATE_LIMITED = "RATE_LIMITED"
    UNAVAILABLE = "UNAVAILABLE"
    TIMEOUT = "TIMEOUT"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    DOCUMENT_NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"


class CredentialsProblem(Enum):
    """Why credentials that were sent give no access; REST shows the value as its `code`."""

    TOKEN_NOT_VALID = "token_not_valid"  # noqa: S105
    USER_INACTIVE = "user_inactive"


class PortalError(Exception):
    """An error whose message is meant for the caller."""

    code: ClassVar[ErrorCode]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Unauthenticated(PortalError):
    code = ErrorCode.UNAUTHENTICATED

    def __init__(self, problem: CredentialsProblem | None = None) -> None:
        super().__init__(_UNAUTHENTICATED[problem])
        self.problem = problem


class Forbidden(PortalError):
    code = ErrorCode.FORBIDDEN

    def __init__(self, message: str = "You do not have permission to perform this action.") -> None:
        super().__init__(message)


class NotFound(PortalError):
    code = ErrorCode.NOT_FOUND

    def __init__(self, message: str = "Not found.") -> None:
        super().__init__(message)


# Leads to a value of the input: names of columns or arguments in snake_case, and indexes
Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class FieldError:
    """A validation error of one value. An empty path stands for the input as a whole.

    Every door translates the path into its own names: `alternativeEmails.1` in GraphQL,
    `users[3].alternativeEmails[1]` in a declaration, `--first-name` on the command line.
    """

    message: str
    path: Path = ()

    def below(self, path: Path) -> FieldError:
        return FieldError(self.message, (*path, *self.path))


class BadUserInput(PortalError):
    code = ErrorCode.BAD_USER_INPUT

    def __init__(self, *errors: FieldError) -> None:
        super().__init__(" ".join(error.message for error in errors))
        self.errors = errors


class Conflict(PortalError):
    """The state of the object does not allow the change; the message names that state."""

    code = ErrorCode.CONFLICT


class Outdated(Conflict):
    """Optimistic locking: the row, `current`, has another version than the caller read."""

    def __init__(self, current: Model) -> None:
        super().__init__(
            "The version is outdated: another change was made since it was read. Read it again."
        )
        self.current = current


class InvalidCredentials(PortalError):
    code = ErrorCode.INVALID_CREDENTIALS

    def __init__(self, message: str = "Unable to log in with provided credentials.") -> None:
        super().__init__(message)


class RateLimited(PortalError):
    """retry_after: seconds until the next attempt is allowed.

    is_first: whether it is the first refusal of this rate limit's window.
    """

    code = ErrorCode.RATE_LIMITED

    def __init__(self, retry_after: int, *, is_first: bool = False) -> None:
        super().__init__(f"Too many attempts: try again in {retry_after} seconds.")
        self.retry_after = retry_after
        self.is_first = is_first


class Unavailable(PortalError):
    """retry_after: seconds until a retry makes sense, if that is known."""

    code = ErrorCode.UNAVAILABLE

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooBusy(Unavailable):
    """Others keep the database for too long."""

    def __init__(self) -> None:
        super().__init__("The database is busy; nothing was changed, try again.", retry_after=5)


_UNAUTHENTICATED = {
    None: "Authentication credentials were not provided.",
    CredentialsProblem.TOKEN_NOT_VALID: "Given token not valid for any token type",
    CredentialsProblem.USER_INACTIVE: "User is inactive",
}
