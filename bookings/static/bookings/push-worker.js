// Shows the messages that are pushed to this browser, and opens the bookings when one is clicked.
"use strict";

self.addEventListener("push", (event) => {
  const told = event.data ? event.data.json() : {};
  const shown = { body: told.body || "", tag: told.tag || "outbox", lang: told.lang || "" };
  event.waitUntil(self.registration.showNotification(told.title || self.location.hostname, shown));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const address = new URL("bookings/", self.registration.scope).href;
  event.waitUntil(
    self.clients.matchAll({ type: "window" }).then((windows) => {
      const open = windows.find((each) => each.url === address);
      return open ? open.focus() : self.clients.openWindow(address);
    })
  );
});
