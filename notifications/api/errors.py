"""The staff API's refusals, with stable codes."""

from typing import Self

from rest_framework import status
from rest_framework.exceptions import APIException

from notifications.errors import NotSentAgain


class NotFailed(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "not_failed"
    default_detail = "Only a failed message can be replayed."


class NotWaiting(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "not_waiting"
    default_detail = "Only a waiting message can be cancelled. A message that is being sent cannot be called back."


class NotScheduled(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "not_scheduled"
    default_detail = "Only a message that waits for its moment can be moved to another one."


class NoAddress(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "no_address"
    default_detail = "The message's channel is not configured, so it has no address to correct."


class Refused(APIException):
    """A message may not be sent again; the detail says why."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "not_sent_again"
    default_detail = "It failed, and did not go out: replay it, or choose another channel."

    @classmethod
    def of(cls, refused: NotSentAgain) -> Self:
        return cls(str(refused))
