"""The staff API's refusals, with stable codes."""

from rest_framework import status
from rest_framework.exceptions import APIException


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
