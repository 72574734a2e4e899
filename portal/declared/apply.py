"""The `kubeportal apply` command: makes the database as a file declares it, or changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from anyio.to_thread import run_sync

from auth.passwords import Passwords, UnusablePassword
from models import AuditActor, AuditKind, User, username_key
from models.users import HASH_LENGTH
from portal.container import command_options, read_foreign_bindings
from portal.databases import up_to_date
from portal.declared.file import DeclarationError, File
from portal.declared.format import Declaration, DeclaredUser, read_declaration, yaml_key
from portal.declared.plan import Line, NewHash, plan
from portal.settings import Settings
from resolvers.changes import SetAccess, WriteOptions
from resolvers.checks import rows_among
from resolvers.errors import BadUserInput, Conflict, FieldError, TooBusy
from resolvers.writes import writing

UNKNOWN_HASH = (
    "This hash cannot be verified: known are Argon2, and of Django argon2, bcrypt_sha256,"
    " pbkdf2_sha256 and pbkdf2_sha1."
)


@dataclass(frozen=True, slots=True)
class Applied:
    """The diff, and whether an administrator can sign in afterwards.

    unchecked: why service accounts of the file are not checked for their rights; None if they are.
    """

    lines: Sequence[Line]
    ended_sessions: Mapping[int, int]
    has_administrator: bool
    dry_run: bool
    unchecked: str | None = None

    def __str__(self) -> str:
        """A line per change, and a summary."""
        if not self.lines:
            return "Nothing to change."
        counts = Counter(line.sign for line in self.lines)
        summary = f"{counts['+']} added, {counts['~']} changed, {counts['-']} removed."
        if self.dry_run:
            summary = f"Dry run, nothing was changed. It would be: {summary}"
        return "\n".join([*map(self._shown, self.lines), summary])

    def _shown(self, line: Line) -> str:
        count = self.ended_sessions.get(line.user.id, 0) if line.user else 0
        return f"{line}, sessions ended: {count}" if count else str(line)


async def run_apply(
    settings: Settings, path: Path, *, dry_run: bool, system_namespaces: bool
) -> Applied:
    """Raises DeclarationError; for a mistake in the file alone, before the database is opened."""
    file, declaration = await run_sync(read_declaration, path)
    passwords = Passwords(names=settings.names)
    options = replace(
        command_options(settings, dry_run=dry_run), system_namespaces=system_namespaces
    )
    if any(user.service_account for user in declaration.users):
        options = replace(options, foreign_bindings=await read_foreign_bindings(settings))
    async with up_to_date(settings.database_url, dry_run=dry_run):
        return await apply(file, declaration, passwords, options)


async def apply(
    file: File, declaration: Declaration, passwords: Passwords, options: WriteOptions
) -> Applied:
    """Raises DeclarationError."""
    new_hashes, mistakes = await _compare_passwords(declaration, passwords)
    try:
        async with writing(AuditActor.OPERATOR, options) as writer:
            planned = await plan(declaration, new_hashes)
            await writer.write(planned.changes, [*mistakes, *planned.mistakes])
            if planned.lines:
                counts = Counter(line.sign for line in planned.lines)
                added, changed, removed = (counts[sign] for sign in "+~-")
                await writer.record(
                    AuditKind.DECLARATION_APPLIED, added=added, changed=changed, removed=removed
                )
    except BadUserInput as invalid:
        raise file.error(map(_in_yaml, invalid.errors)) from None
    except (Conflict, TooBusy) as error:
        raise DeclarationError(f"{file.name}: {error.message}") from None
    gives_accounts = any(isinstance(c, SetAccess) and c.account for c in planned.changes)
    bindings = options.foreign_bindings
    return Applied(
        planned.lines,
        writer.ended_sessions,
        writer.has_administrator,
        options.dry_run,
        bindings.unchecked if bindings.problem and gives_accounts else None,
    )


async def _compare_passwords(
    declaration: Declaration, passwords: Passwords
) -> tuple[dict[str, NewHash], list[FieldError]]:
    """By the key of the user name. Hashing is slow, so no transaction waits for it."""
    new_hashes: dict[str, NewHash] = {}
    mistakes: list[FieldError] = []
    keys = [username_key(user.username) for user in declaration.users]
    users = {user.username_key: user for user in await rows_among(User.all(), "username_key", keys)}
    for number, (key, declared) in enumerate(zip(keys, declaration.users, strict=True)):
        try:
            new_hash = await _new_hash(declared, users.get(key), passwords)
        except BadUserInput as invalid:
            mistakes += [error.below(("users", number)) for error in invalid.errors]
        else:
            if new_hash:
                new_hashes[key] = new_hash
    return new_hashes, mistakes


async def _new_hash(
    declared: DeclaredUser, user: User | None, passwords: Passwords
) -> NewHash | None:
    """None where the file declares no password. Raises BadUserInput."""
    stored = user.password_hash if user else None
    if declared.names("password_hash"):
        given = declared.password_hash.get_secret_value()
        if len(given) > HASH_LENGTH or not passwords.knows(given):
            raise BadUserInput(FieldError(UNKNOWN_HASH, ("password_hash",)))
        # A sign-in upgrades the stored hash, so the declared one is stored next to it
        is_known = user and given in (user.declared_password_hash, user.password_hash)
        return NewHash(stored, None if is_known else given, declared=given)
    if not declared.names("password"):
        return None
    password = declared.password.get_secret_value()
    if stored and (await passwords.verify(password, stored)).ok:
        return NewHash(stored, None)
    names = (declared.username, declared.first_name, declared.last_name)
    addresses = (declared.primary_email or "", *declared.alternative_emails)
    try:
        return NewHash(stored, await passwords.hash(password, (*names, *addresses)))
    except UnusablePassword as error:
        raise BadUserInput(FieldError(str(error), ("password",))) from None


def _in_yaml(error: FieldError) -> FieldError:
    """The error with the keys of the file instead of columns."""
    path = (yaml_key(step) if isinstance(step, str) else step for step in error.path)
    return FieldError(error.message, tuple(path))
