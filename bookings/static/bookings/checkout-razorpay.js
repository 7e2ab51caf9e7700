// Razorpay Checkout: razorpay.com/docs/payments/payment-gateway/web-integration/standard
"use strict";

function payWithRazorpay() {
  const opened = new Razorpay({
    ...checkout.told,
    handler: (paid) => checkout.report({ payment: paid.razorpay_payment_id, signature: paid.razorpay_signature }),
    modal: { ondismiss: () => checkout.failed(checkout.says.dismissed) },
  });
  opened.on("payment.failed", (failure) => checkout.say(failure.error.description)); // its form lets one try again
  opened.open();
}

if (window.Razorpay) checkout.ready(payWithRazorpay);
else checkout.say(checkout.says.missing);
