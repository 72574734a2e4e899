"""Tokens of servers that have no TokenRequest: they lie in secrets."""

import base64

from cluster.answers import Secret, ServiceAccount
from cluster.connection import Caller
from cluster.errors import ClusterRefused
from cluster.names import path_segment

_SECRET_TYPE = "kubernetes.io/service-account-token"  # noqa: S105
_OWNER = "kubernetes.io/service-account.name"


async def token_from_secret(caller: Caller, namespace: str, service_account: str) -> str:
    """The token in the account's own secret. Raises ClusterRefused when there is none."""
    account = await caller.call(
        caller.core.read_namespaced_service_account_without_preload_content,
        ServiceAccount,
        name=service_account,
        namespace=namespace,
    )
    for reference in account.secrets or []:
        secret = await caller.call(
            caller.core.read_namespaced_secret_without_preload_content,
            Secret,
            name=path_segment(reference.name),
            namespace=namespace,
        )
        token = (secret.data or {}).get("token")
        if token and _belongs_to(secret, service_account):
            return base64.b64decode(token).decode()
    raise ClusterRefused(
        404, f"Service account {namespace}:{service_account} has no token in the cluster."
    )


def _belongs_to(secret: Secret, service_account: str) -> bool:
    owner = (secret.metadata.annotations or {}).get(_OWNER)
    return secret.type == _SECRET_TYPE and owner == service_account
