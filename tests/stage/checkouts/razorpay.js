// Stands in for Razorpay's checkout.js, with its documented interface; `__gateway` is the test's.
"use strict";

class Razorpay {
  constructor(options) {
    this.options = options;
    this.listeners = {};
  }

  on(event, listener) {
    this.listeners[event] = listener;
  }

  open() {
    const frame = document.createElement("iframe");
    frame.src = "https://api.razorpay.com/v1/checkout/public";
    frame.title = "Razorpay";
    document.body.append(frame);
    fetch("https://lumberjack.razorpay.com/v1/track", { method: "POST" });
    window.__gateway(this.options).then((outcome) => {
      frame.remove();
      if (outcome.paid) this.options.handler(outcome.paid);
      if (outcome.failed) this.listeners["payment.failed"]({ error: { description: outcome.failed } });
      if (outcome.dismissed) this.options.modal.ondismiss();
    });
  }
}
window.Razorpay = Razorpay;
