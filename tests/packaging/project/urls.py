from django.urls import include, path

from parcels.views import sign_up

urlpatterns = [path("sign-up/", sign_up), path("webhooks/", include("notifications.urls"))]
