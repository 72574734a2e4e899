from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import UniqueConstraint

# Of several rows with one target, only the last one was taken over as it; the targets of the
# others were deleted before. The numbers that those get belong to nothing.
TELL_APART = """
    UPDATE legacy_rows SET target_id = -id WHERE EXISTS (
        SELECT 1 FROM legacy_rows AS later
         WHERE later.kind = legacy_rows.kind AND later.target_id = legacy_rows.target_id
           AND later.id > legacy_rows.id
    )
"""


class Migration(migrations.Migration):
    dependencies = [("models", "0009_audit_events")]

    operations = [
        ops.AddField(
            model_name="User",
            name="original_hash",
            field=fields.CharField(null=True, max_length=20),
        ),
        ops.AddField(
            model_name="User",
            name="upgraded_hash",
            field=fields.CharField(null=True, max_length=20),
        ),
        ops.RunSQL(TELL_APART, ""),
        ops.AddConstraint(
            model_name="LegacyRow", constraint=UniqueConstraint(fields=("kind", "target_id"))
        ),
    ]
