"""What the API's own document says of the API as a whole: drf-spectacular's settings."""

SPECTACULAR_SETTINGS = {
    "TITLE": "Bookings",
    "DESCRIPTION": (
        "Book a slot, pay, get your messages. Errors are problem details (RFC 9457) with a stable `code`. Amounts are "
        "integers in minor units of an ISO 4217 currency: 1250 EUR is 12.50 €, 1250 JPY is 1,250 ¥, 1250 KWD is 1.250. "
        "Every answer carries an `X-Request-ID`: the one that you sent, or one of ours.\n\n"
        "This is version 1. Within it fields, codes and operations may be added, and nothing that is described here is "
        "renamed or taken away; what would break a client comes under another address, `/api/v2/`, beside this one."
    ),
    "VERSION": "1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "bookings.api.schema.with_common_errors",
        "bookings.api.schema.with_mount_point",
    ],
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "BookingStatus": "bookings.models.Booking.Status",
        "OrderStatus": "bookings.models.Order.Status",
        "MessageStatus": "notifications.outbox.Status",
    },
}
