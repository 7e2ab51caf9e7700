from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="RequestRate",
            fields=[
                ("key", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("whole_at", models.DateTimeField(help_text="when its allowance is whole again; once past, the row says nothing")),
            ],
        ),
        # It is written by every request near a limit, and nobody misses it after a crash.
        migrations.RunSQL(
            "ALTER TABLE config_requestrate SET UNLOGGED",
            "ALTER TABLE config_requestrate SET LOGGED",
        ),
    ]
