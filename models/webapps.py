from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from models.groups import Group

WEBAPP_NAME_LENGTH = 150
LINK_URL_LENGTH = 2000


class WebApp(Model):
    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=WEBAPP_NAME_LENGTH, unique=True)
    link_name = fields.CharField(max_length=WEBAPP_NAME_LENGTH, null=True)
    link_url = fields.CharField(max_length=LINK_URL_LENGTH, null=True)
    link_show = fields.BooleanField(default=False)

    class Meta:
        table = "webapps"


class Grant(Model):
    """The members of a group may use a web application."""

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
