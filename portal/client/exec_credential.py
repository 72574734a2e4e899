"""What kubectl says to a credential plugin, and what it wants to hear.

https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from portal.client.errors import ClientError

GROUP = "client.authentication.k8s.io"
VERSIONS = (f"{GROUP}/v1", f"{GROUP}/v1beta1")


def wanted_version(environ: Mapping[str, str]) -> str:
    """The version in which kubectl wants its answer. Raises ClientError for an unknown one."""
    asked = environ.get("KUBERNETES_EXEC_INFO")
    if not asked:
        return VERSIONS[0]
    try:
        version = json.loads(asked)["apiVersion"]
    except (ValueError, KeyError, TypeError):
        raise ClientError("KUBERNETES_EXEC_INFO is not what kubectl sends.") from None
    if version not in VERSIONS:
        raise ClientError(f"kubectl asks for {version}; known are {' and '.join(VERSIONS)}.")
    return str(version)


def rendered(version: str, token: str, expires_at: str | None) -> str:
    """The answer; a token without expiry is kept by kubectl until the server refuses it."""
    status = {"token": token}
    if expires_at is not None:
        status["expirationTimestamp"] = expires_at
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})
