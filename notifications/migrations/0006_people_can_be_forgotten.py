"""Lets recipients be forgotten, also with their user. The user's key is as it was: what changes is Django's part."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('notifications', '0005_opt_outs_of_addresses'),
    ]

    operations = [
        migrations.AddField(
            model_name='recipient',
            name='erased_at',
            field=models.DateTimeField(editable=False, help_text='when the person was forgotten', null=True),
        ),
        migrations.AlterField(
            model_name='recipient',
            name='user',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
    ]
