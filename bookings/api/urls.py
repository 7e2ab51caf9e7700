"""Addresses under /api/."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from bookings.api import accounts, guests, own_security, problems, views

urlpatterns = [
    path("auth/token/", views.TokenView.as_view(), name="token"),
    path("auth/code/", accounts.SignIn.as_view(), name="token-by-code"),
    path("accounts/codes/", accounts.Codes.as_view(), name="codes"),
    path("accounts/signup/", accounts.SignUp.as_view(), name="sign-up"),
    path("accounts/guest/proofs/", guests.GuestProofs.as_view(), name="guest-proof"),
    path("accounts/guest/", guests.Guests.as_view(), name="guest"),
    path("accounts/password/reset/", accounts.PasswordReset.as_view(), name="password-reset"),
    path("slots/", views.SlotList.as_view(), name="slot-list"),
    path("slots/<int:pk>/", views.SlotDetail.as_view(), name="slot"),
    path("orders/", views.OrderCreate.as_view(), name="order-list"),
    path("payments/verify/", views.PaymentVerify.as_view(), name="payment-verify"),
    path("bookings/", views.BookingList.as_view(), name="booking-list"),
    path("bookings/<int:pk>/", views.BookingDetail.as_view(), name="booking"),
    path("bookings/<int:pk>/cancel/", views.BookingCancel.as_view(), name="booking-cancel"),
    path("me/", views.Me.as_view(), name="me"),
    path("me/confirm/", views.MeConfirm.as_view(), name="me-confirm"),
    path("me/security/", own_security.Security.as_view(), name="me-security"),
    path("me/browsers/<int:pk>/", own_security.Browser.as_view(), name="me-browser"),
    path("me/programs/<int:pk>/", own_security.Program.as_view(), name="me-program"),
    path("me/password/", own_security.Password.as_view(), name="me-password"),
    path("me/close/", own_security.Close.as_view(), name="me-close"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path(
        "docs/",
        SpectacularSwaggerSplitView.as_view(
            url_name="schema", template_name="pages/docs.html", http_method_names=["get", "head"]
        ),
        name="docs",
    ),
    re_path(r"^(?P<path>[\s\S]*)$", problems.not_found),
]
