"""The API's views of the customer's own security: what is signed in, ending one of it, a new password, and the end."""

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import Http404
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings import closing, own_security
from bookings.access_codes import Asked, Purpose
from bookings.api import documentation
from bookings.api.serializers import CloseSerializer, NewPasswordSerializer, SecuritySerializer
from bookings.api.views import customer_of, valid
from bookings.tokens import AccessToken, give_token


class Security(APIView):
    """The browsers and programs that are signed in as the customer."""

    @documentation.me_security
    def get(self, request: Request) -> Response:
        customer, here = customer_of(request), request.session.session_key
        browsers, programs = list(own_security.browsers_of(customer)), list(own_security.programs_of(customer))
        for browser in browsers:
            browser.is_current = here is not None and browser.session_key == here  # type: ignore[attr-defined]
        for program in programs:
            program.is_current = program == request.auth  # type: ignore[attr-defined]
        return Response(SecuritySerializer({"browsers": browsers, "programs": programs}).data)


class Browser(APIView):
    """One browser that is signed in."""

    @documentation.me_browser_end
    def delete(self, request: Request, pk: int) -> Response:
        return _ended(own_security.end_browser(customer_of(request), pk))


class Program(APIView):
    """One program that has a token."""

    @documentation.me_program_end
    def delete(self, request: Request, pk: int) -> Response:
        return _ended(own_security.end_program(customer_of(request), pk))


class Password(APIView):
    """Change the password. Everything else that is signed in ends; a program gets its new token in the answer."""

    @documentation.me_password
    def post(self, request: Request) -> Response:
        given, customer = valid(NewPasswordSerializer(data=request.data)), customer_of(request)
        plain = request._request  # noqa: SLF001  (those who count failed logins mark the web's own request)
        _check(customer, found=authenticate(plain, username=customer.get_username(), password=given["password"]))
        try:
            validate_password(given["new_password"], customer)
        except ValidationError as error:
            raise serializers.ValidationError({"new_password": error.messages}) from None
        own_security.change_password(customer, given["new_password"], request=plain)
        if isinstance(request.auth, AccessToken):
            return Response({"token": give_token(customer)})
        return Response(status=status.HTTP_204_NO_CONTENT)


class Close(APIView):
    """Close the account, for ever. Upcoming bookings stay, but nobody can cancel them any more."""

    @documentation.me_close
    def post(self, request: Request) -> Response:
        given, customer = valid(CloseSerializer(data=request.data)), customer_of(request)
        if "password" in given:
            plain = request._request  # noqa: SLF001  (those who count failed logins mark the web's own request)
            _check(customer, found=authenticate(plain, username=customer.get_username(), password=given["password"]))
            closing.close(customer)
        else:
            closing.close_by_code(customer, Asked.of(given["request"], purpose=Purpose.CLOSE), code=given["code"])
        return Response(status=status.HTTP_204_NO_CONTENT)


def _check(customer: User, *, found: object) -> None:
    if found != customer:
        raise serializers.ValidationError({"password": ["This password is wrong."]})


def _ended(is_found: object) -> Response:
    if not is_found:
        raise Http404
    return Response(status=status.HTTP_204_NO_CONTENT)
