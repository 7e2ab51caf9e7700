"""Web push's cryptography, by the examples that its RFCs print."""

from notifications.channels.webpush_encryption import Vapid, encrypt, private_key, public_key_of
from notifications.policy.push import unpadded


def test_the_example_of_rfc_8291_comes_out() -> None:
    body = encrypt(
        b"When I grow up, I want to be a watermelon",
        p256dh="BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        auth="BTBZMqHH6r4Tts7J_aSIgg",
        salt=unpadded("DGv6ra1nlYgDCS1FRnbzlw"),
        key=private_key("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
    )
    assert body == unpadded(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
        "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_a_token_is_kept_for_its_service_and_renewed_in_time() -> None:
    now, key = [1000.0], "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
    vapid = Vapid(key, contact="mailto:us@example.org", clock=lambda: now[0])
    first = vapid.authorization("https://push.example")
    assert first.startswith("vapid t=eyJ0eXAiOiAiSldUIiwgImFsZyI6ICJFUzI1NiJ9.")
    assert first.endswith(f", k={public_key_of(key)}")
    assert vapid.authorization("https://push.example") == first
    assert vapid.authorization("https://other.example") != first
    now[0] += 11.5 * 3600
    assert vapid.authorization("https://push.example") != first
