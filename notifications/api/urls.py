"""Addresses of the staff API: `path("api/staff/outbox/", include("notifications.api.urls"))`."""

from django.urls import path

from notifications.api import channels, shards, spending, usage, views

urlpatterns = [
    path("messages/", views.MessageList.as_view(), name="staff-message-list"),
    path("messages/<int:pk>/", views.MessageDetail.as_view(), name="staff-message"),
    path("messages/<int:pk>/replay/", views.MessageReplay.as_view(), name="staff-message-replay"),
    path("messages/<int:pk>/cancel/", views.MessageCancel.as_view(), name="staff-message-cancel"),
    path("messages/<int:pk>/again/", views.MessageAgain.as_view(), name="staff-message-again"),
    path("messages/<int:pk>/move/", views.MessageMove.as_view(), name="staff-message-move"),
    path("messages/<int:pk>/address/", views.MessageAddress.as_view(), name="staff-message-address"),
    path("replays/", views.ReplayCreate.as_view(), name="staff-replay-list"),
    path("replays/<int:pk>/", views.ReplayDetail.as_view(), name="staff-replay"),
    path("replays/<int:pk>/continue/", views.ReplayContinue.as_view(), name="staff-replay-continue"),
    path("replays/<int:pk>/stop/", views.ReplayStop.as_view(), name="staff-replay-stop"),
    path("usage/", usage.UsageReport.as_view(), name="staff-usage"),
    path("spending/", spending.SpendingReport.as_view(), name="staff-spending"),
    path("shards/", shards.ShardList.as_view(), name="staff-shard-list"),
    path("channels/", channels.ChannelList.as_view(), name="staff-channel-list"),
    path("channels/<slug:name>/pause/", channels.ChannelPause.as_view(), name="staff-channel-pause"),
    path("channels/<slug:name>/resume/", channels.ChannelResume.as_view(), name="staff-channel-resume"),
]
