from tortoise import migrations
from tortoise.migrations.operations import Operation


class Migration(migrations.Migration):
    dependencies = [("models", "0005_rest_usage")]

    operations: list[Operation] = []
