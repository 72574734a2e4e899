"""The record of credentials: who was handed which one, until when, and where."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from dataclasses import dataclass
from datetime import timedelta

from tortoise.exceptions import BaseORMException, IntegrityError
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from cluster.cluster import Cluster
from cluster.connection import ClusterRefused, ClusterUnavailable, PrivilegedAccount
from cluster.kubeconfig import ExecCredential
from cluster.tokens import SHORTEST_LIFETIME, ServiceAccountToken
from models import AuditKind, CredentialIssue, CredentialKind, ServiceAccount, Session, User
from models.search import containing
from models.sessions import ADDRESS_LENGTH, CLIENT_LENGTH
from resolvers import audit
from resolvers.actor import Actor
from resolvers.clusters import NO_CLUSTER, cluster_of
from resolvers.errors import (
    BadUserInput,
    FieldError,
    Forbidden,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from resolvers.pages import check_search
from resolvers.privileges import privilege_error
from resolvers.rules import PORTAL_NAMESPACE
from resolvers.services import Services

logger = logging.getLogger(__name__)
UNIQUE = ("fingerprint", "session_id", "kind", "address")
UNRECORDED = "The credential could not be recorded, so it is not handed out: try again later."


async def record(services: Services, actor: Actor, issue: CredentialIssue) -> None:
    """Once for each token, session, kind and address: a token seen again costs no statement.

    Raises Unavailable, and then the credential must not be handed out.
    """
    key = (issue.fingerprint, issue.session_id, issue.kind, issue.address)
    if key in services.recorded_credentials:
        return
    same = CredentialIssue.filter(**dict(zip(UNIQUE, key, strict=True)))
    try:
        if not await same.exists():
            insert = _insert(actor, issue, same)
            # Tortoise leaves its transaction open when it is cancelled, as slow queries are
            await asyncio.shield(asyncio.ensure_future(insert))
    except BaseORMException as error:
        logger.exception("A credential for %s was not recorded", issue.username)
        raise Unavailable(UNRECORDED) from error
    services.recorded_credentials[key] = True


async def _insert(actor: Actor, issue: CredentialIssue, same: QuerySet[CredentialIssue]) -> None:
    """Of several at once, the first one is recorded."""
    token = {
        name: getattr(issue, name)
        for name in ("cluster", "namespace", "service_account", "fingerprint")
    }
    try:
        async with in_transaction():
            await issue.save(force_create=True)
            await audit.record(
                actor, AuditKind.CREDENTIAL_ISSUED, actor.user, form=issue.kind.value, **token
            )
    except IntegrityError:
        if not await same.exists():
            raise


def own(actor: Actor, owner: User) -> QuerySet[CredentialIssue]:
    """The credentials issued to the owner. Raises Forbidden for other users."""
    if actor.user.id != owner.id:
        raise Forbidden("Look under `admin` for what others were handed out.")
    return CredentialIssue.filter(user_id=owner.id).select_related("user")


def search(text: str | None) -> QuerySet[CredentialIssue]:
    """All records, or those that contain the text. Raises BadUserInput."""
    check_search(text)
    every = CredentialIssue.all().select_related("user")
    return every.filter(containing("credential_issues", text)) if text else every


def visible_to(actor: Actor) -> QuerySet[CredentialIssue]:
    """All records for administrators, else one's own."""
    every = CredentialIssue.all().select_related("user")
    return every if actor.is_admin else own(actor, actor.user)


async def issue(actor: Actor, issue_id: int) -> CredentialIssue:
    """Raises NotFound for a record that the actor can't see."""
    found = await visible_to(actor).get_or_none(id=issue_id)
    if found is None:
        raise NotFound
    return found


NO_ACCESS = "You have no approved access to the cluster."
NO_ADDRESS = "The portal does not know its own address: set KUBEPORTAL_EXTERNAL_URL."
ELSEWHERE = "Your service account is not in cluster {!r}: download your kubeconfig again."
INSTALL_HINT = "Install the command `kubeportal`, then run: kubeportal login --server {}"


def claim(services: Services, actor: Actor, owner: User) -> Claim:
    """The rule for all credentials: approved access, and only one's own service account.

    Raises Unauthenticated, Forbidden, and Unavailable when the account's cluster is gone.
    """
    session, account = actor.session, actor.service_account
    if session is None:
        raise Unauthenticated(actor.problem)
    if actor.user.id != owner.id:
        raise Forbidden("Credentials are for their owner only.")
    if account is None or not owner.has_access_at(services.clock()):
        raise Forbidden(NO_ACCESS)
    if account.namespace == services.portal_namespace:
        raise Forbidden(PORTAL_NAMESPACE)
    cluster = cluster_of(services.clusters, account)
    if cluster is None:
        raise Unavailable(NO_CLUSTER)
    return Claim(services, actor, session, account, cluster)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right of a user to credentials for the own service account.

    Everything here raises Unavailable when the cluster gives no token or when it can't be
    recorded, and BadUserInput for a number of seconds that the operator does not allow.
    """

    services: Services
    actor: Actor
    session: Session
    account: ServiceAccount
    cluster: Cluster

    async def token(self) -> ServiceAccountToken:
        return await self._issue(CredentialKind.TOKEN, self._lifetime(None))

    async def exec_token(self, cluster: str | None, seconds: int | None) -> ServiceAccountToken:
        """A token for kubectl, which sends it to the named cluster, if any.

        Raises Forbidden when the account is in another one.
        """
        if cluster is not None and cluster != self.cluster.name:
            raise Forbidden(ELSEWHERE.format(cluster))
        return await self._issue(CredentialKind.EXEC, self._lifetime(seconds))

    async def kubeconfig(self, *, seconds: int | None, plugin: bool) -> str:
        """YAML with a token, or with the command that requests tokens."""
        lifetime = self._lifetime(seconds)
        return self.cluster.kubeconfig(
            user=self.session.user.username,
            namespace=self.account.namespace,
            cluster_name=_file_name(self.services.portal_name),
            credential=self._plugin(seconds)
            if plugin
            else await self._issue(CredentialKind.KUBECONFIG, lifetime),
        )

    async def _issue(self, kind: CredentialKind, lifetime: timedelta) -> ServiceAccountToken:
        try:
            token = await self.cluster.issue_token(
                self.account.namespace, self.account.name, lifetime=lifetime
            )
        except PrivilegedAccount as privileged:
            logger.warning("No token for %s: %s", self.account.qualified_name, privileged)
            raise Forbidden(privilege_error(str(privileged))) from privileged
        except ClusterUnavailable as outage:
            raise Unavailable(str(outage)) from outage
        except ClusterRefused as refusal:
            logger.warning("No token for %s: %s", self.account.qualified_name, refusal)
            raise Unavailable(str(refusal)) from refusal
        await record(self.services, self.actor, self._record(kind, token))
        return token

    def _record(self, kind: CredentialKind, token: ServiceAccountToken) -> CredentialIssue:
        return CredentialIssue(
            user=self.session.user,
            username=self.session.user.username,
            session_id=self.session.id,
            kind=kind,
            cluster=self.cluster.name,
            namespace=self.account.namespace,
            service_account=self.account.name,
            fingerprint=hashlib.sha256(token.value.encode()).hexdigest(),
            address=self.actor.client.address[:ADDRESS_LENGTH],
            client=self.actor.client.name[:CLIENT_LENGTH],
            issued_at=self.services.clock(),
            expires_at=token.expires_at,
        )

    def _lifetime(self, seconds: int | None) -> timedelta:
        """The requested lifetime, limited by the access; in steps, to reuse tokens."""
        wanted = _checked(seconds, self.services.token_lifetime)
        end, step = self.session.user.access_expires_at, SHORTEST_LIFETIME
        if end is None:
            return wanted
        return max(step, min(wanted, (end - self.services.clock()) // step * step))

    def _plugin(self, seconds: int | None) -> ExecCredential:
        url = self.services.portal_url
        if url is None:
            raise Unavailable(NO_ADDRESS)
        arguments = ["credential", "--server", url, "--cluster", self.cluster.name]
        if seconds is not None:
            arguments += ["--expires-in-seconds", str(seconds)]
        return ExecCredential(args=arguments, install_hint=INSTALL_HINT.format(url))


def _checked(seconds: int | None, usual: timedelta) -> timedelta:
    if seconds is None:
        return usual
    shortest, longest = SHORTEST_LIFETIME, max(usual, SHORTEST_LIFETIME)
    if not shortest <= timedelta(seconds=seconds) <= longest:
        limits = f"{shortest.total_seconds():.0f} to {longest.total_seconds():.0f}"
        raise BadUserInput(FieldError(f"Ask for {limits} seconds.", ("expires_in_seconds",)))
    return timedelta(seconds=seconds)


def _file_name(portal_name: str) -> str:
    """The name of the cluster in the file: lower case, without spaces and control characters."""
    words = "".join(c if c.isprintable() else " " for c in portal_name.lower()).split()
    return "-".join(words)
