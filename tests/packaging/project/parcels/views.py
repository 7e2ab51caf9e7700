"""A view for async servers."""

from django.http import HttpRequest, JsonResponse

from parcels.desk import aregister


async def sign_up(request: HttpRequest) -> JsonResponse:
    customer = await aregister(request.POST["name"], request.POST["email"])
    return JsonResponse({"id": str(customer.pk)})
