from __future__ import annotations

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.users import User

GROUP_NAME_LENGTH = 150


class GroupMembership(StrEnum):
    MANUAL = "MANUAL"
    ALL_USERS = "ALL_USERS"
    CLUSTER_USERS = "CLUSTER_USERS"


class Group(Model):
    """A group of users.

    `version` counts changes of its columns, not of its members, for optimistic locking.
    """

    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=GROUP_NAME_LENGTH, unique=True)
    can_admin = fields.BooleanField(default=False)
    membership = fields.CharEnumField(
        GroupMembership, max_length=13, default=GroupMembership.MANUAL
    )
    version = fields.IntField(default=1, db_default=1)

    class Meta:
        table = "groups"
        indexes = (("can_admin", "id"), ("membership", "id"))


class Membership(Model):
    """A user's membership in a group with membership MANUAL."""

    id = fields.IntField(primary_key=True)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name="memberships", on_delete=fields.CASCADE
    )
    group: fields.ForeignKeyRelation[Group] = fields.ForeignKeyField(
        "models.Group", related_name="memberships", on_delete=fields.CASCADE
    )

    user_id: int
    group_id: int

    class Meta:
        table = "memberships"
        unique_together = (("user", "group"),)
        indexes = (("group_id", "user_id"),)


class EffectiveMembership(Model):
    """All memberships, also of groups with ALL_USERS and CLUSTER_USERS: a database view.

    It is for queries about the groups of users. Those about the members of groups would read all
    rows of it: see `resolvers.groups`.
    """

    id = fields.CharField(max_length=23, primary_key=True)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name="effective_memberships"
    )
    group: fields.ForeignKeyRelation[Group] = fields.ForeignKeyField(
        "models.Group", related_name="effective_memberships"
    )

    user_id: int
    group_id: int

    class Meta:
        table = "effective_memberships"
