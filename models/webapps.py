from __future__ import annotations

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.groups import Group

WEBAPP_NAME_LENGTH = 150
LINK_URL_LENGTH = 2000


class WebAppCategory(StrEnum):
    GENERIC = "GENERIC"
    DOCUMENTATION = "DOCUMENTATION"
    COMMUNICATION = "COMMUNICATION"
    KUBERNETES = "KUBERNETES"
    DEVELOPER = "DEVELOPER"
    DATABASE = "DATABASE"
    MONITORING = "MONITORING"


class WebApp(Model):
    """A link that members of groups see.

    `version` counts changes of its columns, not of its grants, for optimistic locking.
    """

    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=WEBAPP_NAME_LENGTH, unique=True)
    link_name = fields.CharField(max_length=WEBAPP_NAME_LENGTH, null=True)
    link_url = fields.CharField(max_length=LINK_URL_LENGTH, null=True)
    link_show = fields.BooleanField(default=False)
    category = fields.CharEnumField(WebAppCategory, max_length=13, null=True)
    version = fields.IntField(default=1, db_default=1)

    class Meta:
        table = "webapps"


class Grant(Model):
    """The members of a group see a web app."""

    id = fields.IntField(primary_key=True)
    group: fields.ForeignKeyRelation[Group] = fields.ForeignKeyField(
        "models.Group", related_name="grants", on_delete=fields.CASCADE
    )
    webapp: fields.ForeignKeyRelation[WebApp] = fields.ForeignKeyField(
        "models.WebApp", related_name="grants", on_delete=fields.CASCADE
    )

    group_id: int
    webapp_id: int

    class Meta:
        table = "grants"
        unique_together = (("group", "webapp"),)
        indexes = (("webapp_id", "group_id"),)
