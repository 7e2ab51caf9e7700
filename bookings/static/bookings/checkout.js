// What the gateways' forms share: what the order's page says of the payment, problems said aloud, and the payment
// reported to us by the page's own form, which is verified as any client's is.
"use strict";

const checkout = {
  form: document.getElementById("checkout"),
  button: document.querySelector("#checkout button"),
  told: JSON.parse(document.getElementById("checkout-told").textContent),

  // Call `pay` when the customer wants to pay; one call at a time. It may answer a problem, in words.
  ready(pay) {
    this.button.disabled = false;
    this.form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (this.button.disabled) return;
      this.button.disabled = true;
      this.say("");
      try {
        await pay();
      } catch (error) {
        this.failed(error.message);
      }
    });
  },

  say(words) {
    document.getElementById("checkout-problem").textContent = words;
  },

  failed(words) {
    this.say(words || "The payment did not go through. Please try again.");
    this.button.disabled = false;
  },

  // `submit` of the form itself: no event, so that nothing asks the gateway again.
  report({ payment, signature }) {
    this.say("Paid. We are booking your seats …");
    this.form.elements.payment_id.value = payment;
    this.form.elements.signature.value = signature;
    this.form.submit();
  },
};
