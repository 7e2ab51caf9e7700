"""Staff's view of the business. Money and seats move through the domain's functions only, and each act is on record."""

from bookings.admin.customers import CustomerAdmin
from bookings.admin.sales import (
    AccessTokenAdmin,
    BookingAdmin,
    OrderAdmin,
    PaymentAdmin,
    ReadOnlyAdmin,
    RefundAdmin,
    SlotAdmin,
)
from bookings.admin.schedules import ScheduledTaskAdmin
from bookings.admin.staff_tokens import StaffTokenAdmin

__all__ = [
    "AccessTokenAdmin",
    "BookingAdmin",
    "CustomerAdmin",
    "OrderAdmin",
    "PaymentAdmin",
    "ReadOnlyAdmin",
    "RefundAdmin",
    "ScheduledTaskAdmin",
    "SlotAdmin",
    "StaffTokenAdmin",
]
