"""The requests that are measured, each with its counterpart at the reference."""

from __future__ import annotations

from dataclasses import dataclass

from bench.client import Request
from bench.sample import PASSWORD, Caller, Sample

API = "/api/v1.4.0"
OWN_USER = """query OwnUser {
  viewer {
    firstName lastName username primaryEmail allEmails isAdmin
    serviceAccount { qualifiedName namespace token { value } }
  }
}
"""
DOCUMENTS = {"own-user": OWN_USER}
USERS = """query Users {
  admin { users(first: 100) { edges { node { groups { name } webapps { linkName } } } } }
}
"""
LOGIN = """mutation Login($username: String!, $password: String!) {
  login(input: {username: $username, password: $password}) { accessToken errors { message } }
}
"""


@dataclass(frozen=True, slots=True)
class Row:
    """`target` is the highest ratio to the reference.

    has_same_answer: whether both have to answer the same.
    is_main: whether throughput is measured as well.
    share: the part of the requests of a turn that is sent, for those that take long.
    """

    name: str
    portal: Request
    reference: Request | None = None
    target: float | None = None
    has_same_answer: bool = False
    is_main: bool = False
    share: float = 1


def rows_for(sample: Sample) -> list[Row]:
    return [*_rest_rows(sample), *_graphql_rows(sample), *_login_rows(sample.member)]


def _rest_rows(sample: Sample) -> list[Row]:
    member, owner = sample.member, sample.owner
    user = f"/users/{member.id}"
    group, webapp = f"/groups/{sample.group_id}", f"/webapps/{sample.webapp_id}"

    def row(
        name: str, path: str, reference: str, target: float = 1.6, *, is_main: bool = False
    ) -> Row:
        ours = Request("GET", f"{API}{path}/", member.token)
        theirs = Request("GET", reference, member.token)
        return Row(name, ours, theirs, target, has_same_answer=True, is_main=is_main)

    return [
        row("REST own user", user, user, is_main=True),
        Row(
            "REST own user, cached cluster token",
            Request("GET", f"{API}/users/{owner.id}/", owner.token),
            Request("GET", f"/users/{owner.id}", owner.token),
        ),
        row("REST own groups", f"{user}/groups", f"{user}/groups"),
        row("REST own web apps", f"{user}/webapps", f"{user}/webapps", is_main=True),
        row("REST group", group, group),
        row("REST web app", webapp, webapp),
        row("REST cluster fact", "/cluster/k8s_version", "/version", 1.3, is_main=True),
        Row("REST bootstrap", Request("GET", "/api/"), Request("GET", "/bootstrap"), 2),
    ]


def _graphql_rows(sample: Sample) -> list[Row]:
    member, admin = sample.member, sample.admin
    reference = Request("GET", f"/users/{member.id}", member.token)
    # A trusted document is recognised by its text as well, so this text differs
    by_text = Request("POST", "/graphql", member.token, {"query": f"{OWN_USER}\n"})
    by_id = Request("POST", "/graphql", member.token, {"documentId": "own-user"})
    users = Request("POST", "/graphql", admin.token, {"query": USERS})
    return [
        Row("GraphQL own user, text", by_text, reference, 2.3),
        Row("GraphQL own user, documentId", by_id, reference, 1.8, is_main=True),
        Row("GraphQL 100 users, groups, web apps", users, share=0.1),
    ]


def _login_rows(member: Caller) -> list[Row]:
    credentials = {"username": member.username, "password": PASSWORD}
    mutation = {"query": LOGIN, "variables": credentials}
    return [
        Row("REST login", Request("POST", f"{API}/login/", body=credentials), share=0.1),
        Row("GraphQL login", Request("POST", "/graphql", body=mutation), share=0.1),
    ]
