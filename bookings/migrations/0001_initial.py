import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Slot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=200)),
                ('starts_at', models.DateTimeField(db_index=True)),
                ('ends_at', models.DateTimeField()),
                ('capacity', models.PositiveIntegerField()),
                ('seats_taken', models.PositiveIntegerField(default=0, editable=False)),
                ('price', models.BigIntegerField(help_text='of one seat, in minor units: 1250 is €12.50')),
                ('currency', models.CharField(default='EUR', help_text='ISO 4217', max_length=3)),
                ('free_cancellation_hours', models.PositiveIntegerField(default=24, help_text='cancelled at least this long before the start, a booking is refunded in full')),
                ('cancelled_at', models.DateTimeField(blank=True, editable=False, help_text='when staff called it off', null=True)),
                ('late_refund_percent', models.PositiveSmallIntegerField(db_default=0, default=0, help_text='of the price, given back for a later cancellation')),
                ('no_refund_hours', models.PositiveIntegerField(db_default=0, default=0, help_text='cancelled less than this long before the start, nothing is given back')),
            ],
            options={
                'permissions': [('cancel_slot', 'Can call off slots')],
                'constraints': [models.CheckConstraint(condition=models.Q(('seats_taken__gte', 0), ('seats_taken__lte', models.F('capacity'))), name='slot_is_not_oversold'), models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='slot_ends_after_it_starts'), models.CheckConstraint(condition=models.Q(('price__gt', 0)), name='slot_price_is_positive'), models.CheckConstraint(condition=models.Q(('currency__regex', '^[A-Z]{3}$')), name='slot_currency_is_iso_4217'), models.CheckConstraint(condition=models.Q(('late_refund_percent__lte', 100)), name='slot_refunds_at_most_the_price'), models.CheckConstraint(condition=models.Q(('no_refund_hours__lte', models.F('free_cancellation_hours'))), name='slot_refunds_less_with_time')],
            },
        ),
        migrations.CreateModel(
            name='Order',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', models.PositiveIntegerField()),
                ('amount', models.BigIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('status', models.CharField(choices=[('open', 'Open'), ('booked', 'Booked'), ('lapsed', 'Lapsed'), ('sold_out', 'Sold Out')], default='open', max_length=16)),
                ('hold_expires_at', models.DateTimeField()),
                ('gateway', models.CharField(max_length=32)),
                ('gateway_order_id', models.CharField(blank=True, help_text='empty until the gateway has answered', max_length=100)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='orders', to=settings.AUTH_USER_MODEL)),
                ('slot', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='bookings.slot')),
                ('idempotency_key', models.CharField(blank=True, db_default='', help_text="the client's own name for it, if it gave one", max_length=200)),
                ('sweep_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, help_text='while unpaid: when the gateway is next asked whether it was paid; empty: not any more', null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('status', 'open')), fields=['slot', 'hold_expires_at'], name='order_holds'), models.Index(condition=models.Q(('status__in', ['open', 'lapsed'])), fields=['sweep_at'], name='order_to_sweep')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('gateway_order_id', ''), _negated=True), fields=('gateway', 'gateway_order_id'), name='gateway_order_is_one_order'), models.UniqueConstraint(condition=models.Q(('idempotency_key', ''), _negated=True), fields=('user', 'idempotency_key'), name='idempotency_key_is_one_order'), models.CheckConstraint(condition=models.Q(('quantity__gte', 1), ('quantity__lte', 100)), name='order_quantity_is_sane'), models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='order_amount_is_positive'), models.CheckConstraint(condition=models.Q(('status__in', ['open', 'booked', 'lapsed', 'sold_out'])), name='order_status_is_known')],
            },
        ),
        migrations.CreateModel(
            name='Payment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('gateway', models.CharField(max_length=32)),
                ('payment_id', models.CharField(max_length=100)),
                ('amount', models.BigIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='bookings.order')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('gateway', 'payment_id'), name='payment_is_recorded_once'), models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='payment_amount_is_positive')],
            },
        ),
        migrations.CreateModel(
            name='Refund',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('amount', models.BigIntegerField()),
                ('reason', models.CharField(help_text='sold_out, order_already_paid, cancelled, slot_cancelled', max_length=32)),
                ('status', models.CharField(choices=[('requested', 'Requested'), ('succeeded', 'Succeeded'), ('failed', 'Failed')], default='requested', max_length=16)),
                ('gateway_refund_id', models.CharField(blank=True, max_length=100)),
                ('tries', models.PositiveIntegerField(default=0)),
                ('next_try_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('succeeded_at', models.DateTimeField(blank=True, null=True)),
                ('payment', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='refund', to='bookings.payment')),
                ('error', models.TextField(blank=True, db_default='', help_text='why the gateway refused it at the last try')),
                ('refusals', models.PositiveIntegerField(db_default=0, default=0, help_text='how often the gateway refused it')),
            ],
            options={
                'permissions': [('retry_refund', 'Can start failed refunds again')],
                'indexes': [models.Index(condition=models.Q(('status', 'requested')), fields=['next_try_at'], name='refund_to_execute')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='refund_amount_is_positive'), models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['requested', 'failed']), ('succeeded_at__isnull', True)), models.Q(('status', 'succeeded'), ('succeeded_at__isnull', False)), _connector='OR'), name='refund_has_succeeded_at_a_moment')],
            },
        ),
        migrations.CreateModel(
            name='Booking',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', models.PositiveIntegerField()),
                ('status', models.CharField(choices=[('confirmed', 'Confirmed'), ('cancelled', 'Cancelled')], default='confirmed', max_length=16)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('cancelled_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='bookings', to=settings.AUTH_USER_MODEL)),
                ('order', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='booking', to='bookings.order')),
                ('payment', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='booking', to='bookings.payment')),
                ('slot', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='bookings', to='bookings.slot')),
                ('reminded_at', models.DateTimeField(blank=True, help_text='when its reminder was queued', null=True)),
            ],
            options={
                'permissions': [('cancel_booking', 'Can cancel bookings')],
                'indexes': [models.Index(condition=models.Q(('reminded_at__isnull', True), ('status', 'confirmed')), fields=['slot'], name='booking_to_remind')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('cancelled_at__isnull', True), ('status', 'confirmed')), models.Q(('cancelled_at__isnull', False), ('status', 'cancelled')), _connector='OR'), name='booking_is_cancelled_at_a_moment'), models.CheckConstraint(condition=models.Q(('quantity__gte', 1)), name='booking_quantity_is_positive')],
            },
        ),
        migrations.CreateModel(
            name='PaymentEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('gateway', models.CharField(max_length=32)),
                ('event_id', models.CharField(max_length=100)),
                ('kind', models.CharField(help_text='paid or failed', max_length=16)),
                ('received_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('gateway', 'event_id'), name='payment_event_is_handled_once')],
            },
        ),
        migrations.CreateModel(
            name='AccessToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(editable=False, max_length=64, unique=True)),
                ('password_stamp', models.CharField(editable=False, help_text="changes with the user's password", max_length=128)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('expires_at', models.DateTimeField()),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='access_tokens', to=settings.AUTH_USER_MODEL)),
            ],
        ),
    ]
