"""The API's views by which customers come in: a code by message, then an account or a new password."""

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings import access_codes, accounts
from bookings.access_codes import Asked, Purpose
from bookings.api import documentation
from bookings.api.serializers import CodeOfSerializer, NewAccountSerializer, NewCodeSerializer, PasswordByCodeSerializer
from bookings.api.views import valid
from bookings.tokens import give_token
from notifications import outbox


class ForStrangers(APIView):
    """Nobody is signed in yet; a token that is sent along counts for nothing."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class Codes(ForStrangers):
    """Send a code to an address. The answer is the same for every address, whether it has an account or not."""

    @documentation.code_send
    def post(self, request: Request) -> Response:
        wish = valid(NewCodeSerializer(data=request.data))
        try:
            asked = access_codes.ask(Purpose(wish["purpose"]), wish["address"], locale=wish["locale"])
        except outbox.InvalidContact as error:
            problems = [problem for of_field in error.errors.values() for problem in of_field]
            raise serializers.ValidationError({"address": problems}) from None
        return Response({"request": asked.signed()}, status=status.HTTP_202_ACCEPTED)


class SignUp(ForStrangers):
    """Make an account. If the address has one already, it stays as it is, and its token is given."""

    @documentation.sign_up
    def post(self, request: Request) -> Response:
        given = valid(NewAccountSerializer(data=request.data))
        asked = Asked.of(given["request"], purpose=Purpose.SIGN_UP)
        _check(given["password"], address=asked.address)
        account = accounts.NewAccount(given["name"], given["password"], given["locale"], given["time_zone"])
        user, is_new = accounts.sign_up(asked, code=given["code"], account=account)
        return Response({"token": give_token(user)}, status=201 if is_new else 200)


class SignIn(ForStrangers):
    """Exchange a code for a token: `Authorization: Token …`."""

    @documentation.sign_in
    def post(self, request: Request) -> Response:
        given = valid(CodeOfSerializer(data=request.data))
        asked = Asked.of(given["request"], purpose=Purpose.SIGN_IN)
        return Response({"token": give_token(accounts.sign_in(asked, code=given["code"]))})


class PasswordReset(ForStrangers):
    """Set a new password. Everything that was signed in ends."""

    @documentation.password_reset
    def post(self, request: Request) -> Response:
        given = valid(PasswordByCodeSerializer(data=request.data))
        asked = Asked.of(given["request"], purpose=Purpose.RESET)
        _check(given["password"], address=asked.address)
        accounts.set_password(asked, code=given["code"], password=given["password"])
        return Response(status=status.HTTP_204_NO_CONTENT)


def _check(password: str, *, address: str) -> None:
    try:
        validate_password(password, User(email=address))
    except ValidationError as error:
        raise serializers.ValidationError({"password": error.messages}) from None
