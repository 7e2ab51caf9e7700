"""Refunds as gateways make them, payments that staff decide about, slots that move. Nothing here reads a table."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Setback',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('job', models.CharField(max_length=32)),
                ('row', models.BigIntegerField(help_text="the row's id in the job's own table")),
                ('failures', models.PositiveIntegerField(default=1)),
                ('error', models.CharField(max_length=500)),
                ('next_try_at', models.DateTimeField()),
            ],
        ),
        migrations.AlterModelOptions(
            name='payment',
            options={'permissions': [('decide_payment', 'Can book or refund payments of another amount')]},
        ),
        migrations.AddField(
            model_name='booking',
            name='moved_at',
            field=models.DateTimeField(blank=True, editable=False, help_text='when its customer was last told that the slot has moved', null=True),
        ),
        migrations.AddField(
            model_name='booking',
            name='starts_at',
            field=models.DateTimeField(editable=False, help_text="the start that its customer was last told; the slot's may have moved since", null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='free_cancellation_hours',
            field=models.IntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='late_refund_percent',
            field=models.SmallIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='no_refund_hours',
            field=models.IntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='starts_at',
            field=models.DateTimeField(editable=False, help_text="the slot's start as its customer saw it", null=True),
        ),
        migrations.AddField(
            model_name='payment',
            name='decision',
            field=models.CharField(blank=True, choices=[('', 'none needed'), ('wanted', "wanted: not the order's amount"), ('booked', 'booked anyway'), ('refunded', 'refunded')], db_default='', default='', max_length=16),
        ),
        migrations.AddField(
            model_name='payment',
            name='staff_told_at',
            field=models.DateTimeField(editable=False, help_text='when staff were told that it needs them', null=True),
        ),
        migrations.AddField(
            model_name='refund',
            name='gateway_state',
            field=models.CharField(blank=True, db_default='', help_text='what the gateway last said: pending, requires_action, …', max_length=32),
        ),
        migrations.AddField(
            model_name='refund',
            name='staff_told_at',
            field=models.DateTimeField(editable=False, help_text='when staff were told that it failed', null=True),
        ),
        migrations.AlterField(
            model_name='paymentevent',
            name='kind',
            field=models.CharField(help_text='paid, failed or refund', max_length=16),
        ),
        migrations.AlterField(
            model_name='refund',
            name='error',
            field=models.TextField(blank=True, db_default='', help_text='why the gateway refused it, or why it failed'),
        ),
        migrations.AlterField(
            model_name='refund',
            name='reason',
            field=models.CharField(help_text='sold_out, order_already_paid, cancelled, slot_cancelled, amount_mismatch', max_length=32),
        ),
        migrations.AlterField(
            model_name='refund',
            name='status',
            field=models.CharField(choices=[('requested', 'Requested'), ('pending', 'Pending'), ('succeeded', 'Succeeded'), ('failed', 'Failed')], default='requested', max_length=16),
        ),
        migrations.RemoveConstraint(
            model_name='refund',
            name='refund_has_succeeded_at_a_moment',
        ),
        AddConstraintNotValid(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['requested', 'pending', 'failed']), ('succeeded_at__isnull', True)), models.Q(('status', 'succeeded'), ('succeeded_at__isnull', False)), _connector='OR'), name='refund_has_succeeded_at_a_moment'),
        ),
        migrations.AlterConstraint(
            model_name='slot',
            name='slot_is_not_oversold',
            constraint=models.CheckConstraint(condition=models.Q(('seats_taken__gte', 0), ('seats_taken__lte', models.F('capacity'))), name='slot_is_not_oversold', violation_error_message='More seats are taken than this capacity has.'),
        ),
        migrations.AlterConstraint(
            model_name='slot',
            name='slot_ends_after_it_starts',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='slot_ends_after_it_starts', violation_error_message='A slot must end after it starts.'),
        ),
        migrations.AlterConstraint(
            model_name='slot',
            name='slot_price_is_positive',
            constraint=models.CheckConstraint(condition=models.Q(('price__gt', 0)), name='slot_price_is_positive', violation_error_message='The price must be more than nothing.'),
        ),
        migrations.AlterConstraint(
            model_name='slot',
            name='slot_currency_is_iso_4217',
            constraint=models.CheckConstraint(condition=models.Q(('currency__regex', '^[A-Z]{3}$')), name='slot_currency_is_iso_4217', violation_error_message='The currency must be three capital letters, as in EUR.'),
        ),
        migrations.AlterConstraint(
            model_name='slot',
            name='slot_refunds_at_most_the_price',
            constraint=models.CheckConstraint(condition=models.Q(('late_refund_percent__lte', 100)), name='slot_refunds_at_most_the_price', violation_error_message='At most 100 percent can be given back.'),
        ),
        migrations.AlterConstraint(
            model_name='slot',
            name='slot_refunds_less_with_time',
            constraint=models.CheckConstraint(condition=models.Q(('no_refund_hours__lte', models.F('free_cancellation_hours'))), name='slot_refunds_less_with_time', violation_error_message='Nothing can be given back only after the free cancellation has ended.'),
        ),
        migrations.AddConstraint(
            model_name='setback',
            constraint=models.UniqueConstraint(fields=('job', 'row'), name='setback_is_of_one_row'),
        ),
    ]
