"""Guards alone keep callers out, whatever the resolver of a field does."""

from __future__ import annotations

import pytest
import strawberry
from graphql import GraphQLSchema, graphql

from models import Session, User
from portal.web.app import Contract
from resolvers.actor import Actor
from resolvers.permissions import Permission
from schema.cost import Plans
from schema.executor import Executor
from schema.guard import enforce_guards, guard
from tests.callers import People


@strawberry.type(directives=guard(Permission.ADMINISTRATE))
class Settings:
    @strawberry.field
    def secret(self) -> str:
        return "secret"


@strawberry.type
class Query:
    settings: Settings = strawberry.field(default_factory=Settings)

    @strawberry.field(directives=guard(Permission.SEE_PORTAL))
    def everyone(self) -> str:
        return "everyone"

    @strawberry.field(directives=guard(Permission.SEE_CLUSTERS))
    def signed_in(self) -> str:
        return "signed in"

    @strawberry.field(directives=guard(Permission.ADMINISTRATE))
    async def administrator(self) -> str:
        return "administrator"


class Caller:
    """The part of a context that guards read."""

    def __init__(self, user: User | None, *, administrates: bool) -> None:
        self.actor = Actor(Session(user=user) if user else None, administrates=administrates)


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    built = strawberry.Schema(Query)._schema
    enforce_guards(built)
    return built


@pytest.mark.parametrize(
    ("query", "permissions"),
    [
        ("{ portal { name } }", {"SEE_PORTAL"}),
        ("{ viewer { username comments } }", {"SEE_PORTAL", "SEE_USER", "ADMINISTRATE"}),
        ("{ ...F } fragment F on Query { ... { clusters { name } } }", {"SEE_CLUSTERS"}),
        ("mutation { logout { errors { code } } }", {"SIGN_IN"}),
    ],
    ids=["root", "type and field", "fragment", "mutation"],
)
def test_permissions_of_operation(contract: Contract, query: str, permissions: set[str]) -> None:
    executor = Executor(contract.schema)
    plan = Plans(executor.graphql_schema, list_size=1).find(executor.prepare(query), None)
    assert plan
    assert {permission.value for permission in plan.permissions} == permissions


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        ("{ everyone }", {"anonymous", "alice", "admin"}),
        ("{ signedIn }", {"alice", "admin"}),
        ("{ administrator }", {"admin"}),
        ("{ settings { secret } }", {"admin"}),
    ],
)
async def test_guard_keeps_callers_out(
    schema: GraphQLSchema, people: People, query: str, allowed: set[str]
) -> None:
    users = {"anonymous": None, "alice": people.alice, "admin": people.admin}
    for name, user in users.items():
        caller = Caller(user, administrates=name == "admin")
        result = await graphql(schema, query, Query(), context_value=caller)
        assert (not result.errors) == (name in allowed), name
