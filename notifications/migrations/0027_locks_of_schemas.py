"""Relays say which advisory lock they hold. Of relays that do not, because they are older, the lease alone decides."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0026_addresses_are_put_back'),
    ]

    operations = [
        migrations.AddField(
            model_name='relay',
            name='lock_class',
            field=models.IntegerField(help_text='the first key of its advisory lock; empty: of a version before schemas had their own', null=True),
        ),
    ]
