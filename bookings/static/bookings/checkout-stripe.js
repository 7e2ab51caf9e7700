// Stripe's Payment Element: docs.stripe.com/payments/payment-element
"use strict";

function startStripe() {
  const { key, client_secret: secret } = checkout.told;
  const returned = new URLSearchParams(location.search);
  if (returned.get("payment_intent_client_secret") === secret && returned.get("redirect_status") !== "failed") {
    checkout.report({ payment: returned.get("payment_intent"), signature: secret }); // back from a bank's page
    return;
  }
  const stripe = Stripe(key);
  const elements = stripe.elements({ clientSecret: secret });
  elements.create("payment").mount("#checkout-element");
  checkout.ready(async () => {
    const confirmParams = { return_url: location.origin + location.pathname };
    const { error, paymentIntent } = await stripe.confirmPayment({ elements, confirmParams, redirect: "if_required" });
    if (error) checkout.failed(error.message);
    else checkout.report({ payment: paymentIntent.id, signature: secret });
  });
}

if (window.Stripe) startStripe();
else checkout.say(checkout.says.missing);
