"""Nothing yet: the release before the one that a campaign deploys."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("notifications", "0001_initial")]
    operations = []
