"""Addresses of the customer's pages."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from bookings.pages import (
    accounts,
    brand,
    closing,
    guests,
    language,
    links,
    profile,
    push,
    received,
    security,
    undo,
    views,
)
from bookings.pages.documents import Document
from bookings.pages.forms import SignInForm
from bookings.pages.posted import posted_from

sign_in = LoginView.as_view(
    template_name="pages/login.html",
    authentication_form=SignInForm,
    next_page="slots-page",
    redirect_authenticated_user=True,
)
urlpatterns = [
    path("", views.slots, name="slots-page"),
    path("slots/<int:pk>/", views.slot, name="slot-page"),
    path("orders/<int:pk>/", views.order, name="order-page"),
    path("orders/<int:pk>/pay/", views.pay, name="pay-page"),
    path("orders/<int:pk>/paid/", views.paid, name="paid-page"),
    path("bookings/", views.bookings, name="bookings-page"),
    path("bookings/<int:pk>/", views.booking, name="booking-page"),
    path("bookings/<int:pk>/cancel/", views.cancel, name="cancel-page"),
    *(path(f"bookings/<int:pk>/{name}", views.document, {"name": name.value}) for name in Document),
    path("b/<str:token>/", links.booking, name="booking-by-link"),
    *(path(f"b/<str:token>/{name}", links.document, {"name": name.value}) for name in Document),
    path("b/<str:token>/state/", links.state, name="booking-by-link-state"),
    path("bookings/<int:pk>/again/", views.again, name="again-page"),
    path("b/<str:token>/again/", links.again, name="again-by-link"),
    path("b/<str:token>/cancel/", links.cancel, name="cancel-by-link"),
    path("u/<str:token>/", undo.undo, name="undo-by-link"),
    path("c/<str:token>/", links.code, name="code-by-link"),
    path("logo/", brand.show_logo, name="logo"),
    path("language/", language.choose, name="language"),
    path("accounts/login/code/", accounts.sign_in, name="sign-in-by-code-page"),
    path("accounts/login/code/enter/", accounts.sign_in_code, name="sign-in-code-page"),
    path("accounts/signup/", accounts.sign_up, name="sign-up-page"),
    path("accounts/signup/code/", accounts.sign_up_code, name="sign-up-code-page"),
    path("accounts/guest/", guests.come_in, name="guest-page"),
    path("accounts/guest/code/", guests.codes, name="guest-code-page"),
    path("accounts/password/reset/", accounts.reset, name="reset-page"),
    path("accounts/password/reset/code/", accounts.reset_code, name="reset-code-page"),
    path("accounts/profile/", profile.profile, name="profile-page"),
    path("push-worker.js", push.worker, name="push-worker"),
    path("accounts/push/", push.sign_up, name="push-sign-up"),
    path("accounts/push/off/", push.take_off, name="push-take-off"),
    path("accounts/messages/", received.received, name="received-page"),
    path("accounts/close/", closing.close, name="close-page"),
    path("accounts/security/", security.security, name="security-page"),
    path("accounts/security/browsers/<int:pk>/end/", security.end_browser, name="end-browser-page"),
    path("accounts/security/tokens/<int:pk>/end/", security.end_token, name="end-token-page"),
    path("accounts/login/", sign_in, name="login-page"),
    path("login/", sign_in),  # as it was: people have it in their bookmarks
    path("logout/", posted_from("slots-page")(LogoutView.as_view(next_page="slots-page")), name="logout-page"),
]
