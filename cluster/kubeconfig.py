"""The kubeconfig file that a user downloads."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from cluster.tokens import ServiceAccountToken


@dataclass(frozen=True, slots=True)
class ExecCredential:
    """The command that kubectl runs to get a token, instead of a token in the file."""

    command: str = "kubeportal"
    args: Sequence[str] = ("credential",)
    env: Mapping[str, str] = field(default_factory=dict)
    interactive_mode: Literal["Never", "IfAvailable", "Always"] = "Never"
    install_hint: str | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """The address of an API server; without `ca_pem` the authorities of the client's system."""

    url: str
    ca_pem: bytes | None = None
    tls_server_name: str | None = None


class _Dumper(yaml.SafeDumper):
    """Quotes every value, as YAML parsers differ in what they read as a number or a boolean."""

    def represent_value(self, value: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", value, style='"')


class _Text(str):
    __slots__ = ()


_Dumper.add_representer(_Text, _Dumper.represent_value)


def render_kubeconfig(
    *,
    cluster: str,
    server: Server,
    user: str,
    namespace: str,
    credential: ServiceAccountToken | ExecCredential,
) -> str:
    """YAML with one cluster, one user and one context, which is the current one."""
    context = f"{user}@{cluster}"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": _cluster(server)}],
        "users": [{"name": context, "user": _user(credential)}],
        "contexts": [
            {
                "name": context,
                "context": {"cluster": cluster, "user": context, "namespace": namespace},
            }
        ],
        "current-context": context,
    }
    return yaml.dump(
        _quoted(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf")
    )


def _cluster(server: Server) -> dict[str, Any]:
    cluster = {"server": server.url}
    if server.tls_server_name:
        cluster["tls-server-name"] = server.tls_server_name
    if server.ca_pem:
        cluster["certificate-authority-data"] = base64.b64encode(server.ca_pem).decode()
    return cluster


def _user(credential: ServiceAccountToken | ExecCredential) -> dict[str, Any]:
    if isinstance(credential, ServiceAccountToken):
        return {"token": credential.value}
    plugin: dict[str, Any] = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": credential.command,
        "args": list(credential.args),
        "env": [{"name": name, "value": value} for name, value in credential.env.items()],
        "interactiveMode": credential.interactive_mode,
    }
    if credential.install_hint:
        plugin["installHint"] = credential.install_hint
    return {"exec": plugin}


def _quoted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _quoted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_quoted(item) for item in value]
    return _Text(value)
