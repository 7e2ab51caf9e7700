"""Usage is counted, and receipts keep prices. The columns are empty or have a constant: no row is rewritten."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0021_notes_about_recipients'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='recipient',
            options={'permissions': [('change_recipient_address', "Can change a recipient's phone number and email address"), ('export_lists', "Can download the admin's lists as CSV, with names and addresses masked"), ('export_personal_data', 'Can download them with whole names and addresses')]},
        ),
        migrations.AddField(
            model_name='receipt',
            name='currency',
            field=models.CharField(db_default='', help_text='of the price, ISO 4217', max_length=3),
        ),
        migrations.AddField(
            model_name='receipt',
            name='previous',
            field=models.CharField(db_default='', help_text='the status before this one: usage counts the step between them', max_length=16),
        ),
        migrations.AddField(
            model_name='receipt',
            name='price',
            field=models.DecimalField(decimal_places=6, help_text='what the provider charged; empty: not known yet', max_digits=12, null=True),
        ),
        migrations.AddField(
            model_name='receipt',
            name='segments',
            field=models.IntegerField(help_text='as the provider counted them', null=True),
        ),
        migrations.CreateModel(
            name='Usage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('month', models.DateField(help_text='its first day, UTC')),
                ('kind', models.CharField(help_text='empty: of opt-outs, which belong to no message', max_length=64)),
                ('channel', models.CharField(max_length=32)),
                ('country', models.CharField(help_text='ISO 3166-1 alpha-2; empty: not known, or no phone number', max_length=2)),
                ('currency', models.CharField(db_default='', help_text='ISO 4217, of `cost`; empty where that is 0', max_length=3)),
                ('relay_id', models.IntegerField(null=True)),
                ('sent', models.BigIntegerField(db_default=0)),
                ('failed', models.BigIntegerField(db_default=0, help_text='each time that a message came to the dead letter')),
                ('delivered', models.BigIntegerField(db_default=0, help_text='accepted copies that arrived, as the provider says')),
                ('undelivered', models.BigIntegerField(db_default=0, help_text='accepted copies that the provider gave up')),
                ('priced', models.BigIntegerField(db_default=0, help_text='accepted copies of which the provider told the price')),
                ('segments', models.BigIntegerField(db_default=0, help_text='of what is priced, as the provider counted them')),
                ('cost', models.DecimalField(db_default=0, decimal_places=6, help_text='of what is priced', max_digits=20)),
                ('opt_outs', models.BigIntegerField(db_default=0)),
                ('delay_seconds', models.FloatField(db_default=0, help_text='from publication to acceptance, the sum over all sent')),
                ('delivery_seconds', models.FloatField(db_default=0, help_text='from acceptance to delivery, the sum over all timed')),
                ('delays', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), db_default=[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], help_text='how many of the sent had which delay, by the buckets of histogram.py', size=None)),
                ('deliveries', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), db_default=[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], help_text='how many took how long from acceptance until a callback told of their delivery', size=None)),
            ],
            options={
                'verbose_name_plural': 'usage and cost',
                'constraints': [models.UniqueConstraint(fields=('month', 'kind', 'channel', 'country', 'currency', 'relay_id'), name='usage_once_a_month')],
            },
        ),
    ]
