"""The specification of the REST API v1.4.0, as a table."""

from __future__ import annotations

from typing import NamedTuple


class Specified(NamedTuple):
    """A route: the types of its path parameters, its statuses, whether it takes an access token."""

    method: str
    path: str
    parameters: dict[str, str]
    statuses: tuple[int, ...]
    secured: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


ROUTES = (
    Specified("GET", "/cluster/{slug}/", {"slug": "string"}, (200, 401, 404), True),
    Specified("GET", "/webapps/{id}/", {"id": "integer"}, (200, 401, 403, 404), True),
    Specified("GET", "/", {}, (200,), False),
    Specified("GET", "/groups/{id}/", {"id": "integer"}, (200, 401, 403, 404), True),
    Specified("GET", "/users/{id}/webapps/", {"id": "integer"}, (200, 401, 403, 404), True),
    Specified("GET", "/users/{id}/groups/", {"id": "integer"}, (200, 401, 403, 404), True),
    Specified("GET", "/users/{id}/", {"id": "integer"}, (200, 401, 403, 404), True),
    Specified("PATCH", "/users/{id}/", {"id": "integer"}, (204, 401, 403, 404), True),
    Specified("POST", "/login/", {}, (200,), False),
    Specified("POST", "/login_google/", {}, (200, 400), False),
    Specified("GET", "/logout/", {}, (200,), True),
)

BEYOND = {("POST", "/logout/"), ("POST", "/google_login/")}
"""Routes that the specification lacks, but the existing frontend or backend has."""

STRINGS = "array of string"
MODELS = {
    "LoginSuccess": {"id": "integer", "firstname": "string", "access_token": "string"},
    "BootstrapSuccess": {
        "csrf_token": "string",
        "portal_version": "string",
        "default_api_version": "string",
    },
    "User": {
        "firstname": "string",
        "name": "string",
        "username": "string",
        "primary_email": "string",
        "all_emails": STRINGS,
        "admin": "boolean",
        "k8s_serviceaccount": "string",
        "k8s_namespace": "string",
        "k8s_token": "string",
    },
    "WebApp": {"link_name": "string", "link_url": "string"},
    "Group": {"name": "string"},
}

NULLABLE = {
    "User": {"primary_email", "k8s_serviceaccount", "k8s_namespace", "k8s_token"},
    "WebApp": {"link_name", "link_url"},
}
"""What the deployed backend answers with null, although the specification does not say so."""

SUCCESSES = {
    "/": "BootstrapSuccess",
    "/login/": "LoginSuccess",
    "/login_google/": "LoginSuccess",
    "/users/{id}/": "User",
    "/users/{id}/webapps/": "array of WebApp",
    "/users/{id}/groups/": "array of Group",
    "/groups/{id}/": "Group",
    "/webapps/{id}/": "WebApp",
}

STATISTICS = {
    "portal_user_count": "integer",
    "portal_version": "string",
    "k8s_version": "string",
    "k8s_node_count": "integer",
    "k8s_cpu_count": "number",
    "k8s_mem_sum": "number",
    "k8s_pod_count": "integer",
    "k8s_volume_count": "integer",
    "k8s_apiserver_url": "string",
    "k8s_cluster_name": "string",
}
