"""The API's views by which guests come in: a proof for each address, and then a token, without a password.

The codes are asked for at `/api/accounts/codes/`. Each is entered once, also where the other one is wrong.
"""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings import accounts, guests
from bookings.access_codes import Asked, Purpose
from bookings.api import documentation
from bookings.api.accounts import ForStrangers
from bookings.api.serializers import CodeOfSerializer, NewGuestSerializer
from bookings.api.views import valid
from bookings.tokens import give_token


class GuestProofs(ForStrangers):
    """Exchange a code for the proof that the address is the guest's."""

    @documentation.guest_proof
    def post(self, request: Request) -> Response:
        given = valid(CodeOfSerializer(data=request.data))
        asked = Asked.of(given["request"], purpose=Purpose.GUEST)
        return Response({"proof": guests.signed(guests.prove(asked, code=given["code"]))})


class Guests(ForStrangers):
    """Come in as a guest, who books as any customer does: `Authorization: Token …`."""

    @documentation.guest
    def post(self, request: Request) -> Response:
        given = valid(NewGuestSerializer(data=request.data))
        proofs = [guests.proof_of(kept) for kept in given["proofs"]]
        if len({proof.field for proof in proofs}) < len(proofs):
            raise serializers.ValidationError({"proofs": ["Send one email address and one phone number at most."]})
        user = guests.come_in(proofs, guests.NewGuest(given["name"], given["locale"], given["time_zone"]))
        return Response({"token": give_token(user), "is_guest": accounts.is_guest(user)})
