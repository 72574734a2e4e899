from tortoise import migrations
from tortoise.migrations.operations import Operation


class Migration(migrations.Migration):
    dependencies = [("models", "0003_credential_issues")]

    operations: list[Operation] = []
