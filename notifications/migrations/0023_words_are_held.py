"""The table of kinds' words. Code that does not know it goes on, and fails what cannot be rendered, as it did."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0022_usage_is_counted")]

    operations = [
        migrations.CreateModel(
            name="WordsState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=64)),
                ("channel", models.CharField(max_length=32)),
                ("proven_release", models.CharField(blank=True, db_default="", max_length=64)),
                ("held_at", models.DateTimeField(null=True)),
                ("held_until", models.DateTimeField(null=True)),
                ("held_release", models.CharField(blank=True, db_default="", max_length=64)),
                ("problem", models.CharField(blank=True, db_default="", max_length=300)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "channel"), name="words_are_known_once"),
                    models.CheckConstraint(
                        condition=models.Q(held_at__isnull=True, held_until__isnull=True)
                        | models.Q(held_at__isnull=False, held_until__isnull=False),
                        name="words_are_held_until_a_moment",
                    ),
                ],
            },
        ),
    ]
