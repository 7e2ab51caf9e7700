"""The table of changes of addresses, which the old address can undo. Code that does not know it goes on."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0025_addresses_by_their_first_letters'),
    ]

    operations = [
        migrations.CreateModel(
            name='AddressChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('field', models.CharField(help_text='phone or email', max_length=8)),
                ('old', models.CharField(max_length=254)),
                ('old_verified_at', models.DateTimeField(null=True)),
                ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('undone_at', models.DateTimeField(null=True)),
                ('recipient', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='address_changes', to='notifications.recipient')),
            ],
        ),
    ]
