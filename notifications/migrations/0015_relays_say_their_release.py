"""Which code and templates a relay runs. Code that does not know it goes on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0014_attempts_say_where_they_went")]

    operations = [
        migrations.AddField(
            model_name="relay",
            name="release",
            field=models.CharField(
                blank=True, db_default="", help_text="the code and templates that it runs, by name or digest", max_length=64
            ),
        ),
    ]
