"""Lets opt-outs belong to addresses, and addresses be confirmed by a code."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0003_record_indexes'),
    ]

    operations = [
        migrations.AddField(
            model_name='recipient',
            name='address_opt_outs',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, db_default=models.Value([], output_field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), size=None)), default=list, editable=False, help_text='those of `opt_outs` that came with an address, and go with it', size=None),
        ),
        migrations.AddField(
            model_name='recipient',
            name='email_verified_at',
            field=models.DateTimeField(editable=False, help_text='as of the phone', null=True),
        ),
        migrations.AddField(
            model_name='recipient',
            name='phone_verified_at',
            field=models.DateTimeField(editable=False, help_text='when a code sent to it was confirmed; empty: the project vouches for it', null=True),
        ),
        migrations.CreateModel(
            name='AddressOptOut',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.CharField(help_text='phone:+14155550123, or email:ann@example.com', max_length=300)),
                ('opt_out', models.CharField(help_text='as in `Recipient.opt_outs`', max_length=64)),
                ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('address', 'opt_out'), name='address_opt_out_is_one')],
            },
        ),
        migrations.CreateModel(
            name='AddressVerification',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('field', models.CharField(help_text='phone or email', max_length=8)),
                ('address', models.CharField(max_length=254)),
                ('address_key', models.CharField(help_text='as in `AddressOptOut.address`', max_length=300)),
                ('guesses', models.PositiveSmallIntegerField(db_default=0, default=0)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('expires_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(help_text='when it was confirmed, replaced, or guessed at too often', null=True)),
                ('recipient', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='verifications', to='notifications.recipient')),
            ],
            options={
                'indexes': [models.Index(fields=['address_key', 'created_at'], name='verifications_of_address')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('recipient', 'field'), name='verification_is_one_at_a_time')],
            },
        ),
    ]
