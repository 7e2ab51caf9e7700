"""An account is found by the email address that somebody enters, in any case, and strangers may ask: not by a scan."""

from django.conf import settings
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("bookings", "0009_sign_ins_are_listed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS bookings_user_of_email ON auth_user (upper(email::text))",
            "DROP INDEX CONCURRENTLY IF EXISTS bookings_user_of_email",
        )
    ]
