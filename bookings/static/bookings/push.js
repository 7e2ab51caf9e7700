// Switches notifications in this browser on and off. The browser asks for permission only after a click.
"use strict";

(() => {
  const box = document.getElementById("push");
  const button = document.getElementById("push-switch");
  const state = document.getElementById("push-state");
  let subscription = null;

  const show = (words, label) => {
    state.textContent = box.dataset[words];
    button.textContent = label ? box.dataset[label] : "";
    button.hidden = !label;
    button.disabled = false;
  };

  const bytes = (text) => {
    const padded = text.replace(/-/g, "+").replace(/_/g, "/") + "=".repeat((4 - (text.length % 4)) % 4);
    return Uint8Array.from(atob(padded), (each) => each.charCodeAt(0));
  };

  const digest = async (text) => {
    const sum = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    return Array.from(new Uint8Array(sum), (each) => each.toString(16).padStart(2, "0")).join("");
  };

  const post = async (address, fields) => {
    const token = box.querySelector("[name=csrfmiddlewaretoken]").value;
    const body = new URLSearchParams({ csrfmiddlewaretoken: token, ...fields });
    const answer = await fetch(address, { method: "POST", body, redirect: "error" });
    if (!answer.ok) throw new Error(await answer.text());
  };

  const registered = async () => {
    await navigator.serviceWorker.register(box.dataset.worker);
    return navigator.serviceWorker.ready;
  };

  const on = async () => {
    const made = await (await registered()).pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: bytes(box.dataset.key),
    });
    const { endpoint, keys } = made.toJSON();
    try {
      await post(box.dataset.signUp, { endpoint, p256dh: keys.p256dh, auth: keys.auth });
    } catch (error) {
      await made.unsubscribe();
      throw error;
    }
    subscription = made;
    show("isOn", "switchOff");
  };

  const off = async () => {
    await post(box.dataset.takeOff, { endpoint: subscription.endpoint });
    await subscription.unsubscribe();
    subscription = null;
    show("isOff", "switchOn");
  };

  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await (subscription ? off() : on());
    } catch (error) {
      if (Notification.permission === "denied") show("isDenied");
      else show("hasFailed", subscription ? "switchOff" : "switchOn");
    }
  });

  const begin = async () => {
    if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) {
      show("cannot");
      return;
    }
    if (Notification.permission === "denied") {
      show("isDenied");
      return;
    }
    const registration = await navigator.serviceWorker.getRegistration(box.dataset.worker);
    const found = registration ? await registration.pushManager.getSubscription() : null;
    const isKnown = found && box.dataset.known.split(" ").includes(await digest(found.endpoint));
    subscription = isKnown ? found : null;
    if (isKnown) show("isOn", "switchOff");
    else show("isOff", "switchOn");
  };

  begin();
})();
