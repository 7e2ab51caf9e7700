"""Staff find a customer by the first letters of the name, in any case: not by a scan."""

from django.conf import settings
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("bookings", "0010_accounts_are_found_by_email"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS bookings_user_name_begins ON auth_user "
            "(upper(first_name::text) text_pattern_ops)",
            "DROP INDEX CONCURRENTLY IF EXISTS bookings_user_name_begins",
        )
    ]
