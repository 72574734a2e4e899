from tortoise import migrations
from tortoise.migrations.operations import Operation


class Migration(migrations.Migration):
    dependencies = [("models", "0004_legacy_imports")]

    operations: list[Operation] = []
