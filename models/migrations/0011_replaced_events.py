from tortoise import migrations

from models.audit import Seal


class Migration(migrations.Migration):
    """SQLite let rows be replaced: an older seal had no trigger against it."""

    dependencies = [("models", "0010_legacy_targets")]

    operations = [Seal(table="audit_events")]
