// Stands in for Stripe.js, with the documented interface of the Payment Element; `__gateway` is the test's.
"use strict";

window.Stripe = (key) => ({
  elements: ({ clientSecret }) => ({
    clientSecret,
    create: () => ({
      mount(selector) {
        const frame = document.createElement("iframe");
        frame.src = "https://js.stripe.com/v3/elements-inner-payment.html";
        frame.title = "Secure payment input frame";
        document.querySelector(selector).append(frame);
      },
    }),
  }),
  async confirmPayment({ elements, confirmParams, redirect }) {
    await fetch("https://api.stripe.com/v1/payment_intents/confirm", { method: "POST" });
    const options = { key, client_secret: elements.clientSecret, return_url: confirmParams.return_url, redirect };
    const outcome = await window.__gateway(options);
    if (outcome.failed) return { error: { message: outcome.failed } };
    return { paymentIntent: { id: outcome.paid.id, status: "succeeded" } };
  },
});
