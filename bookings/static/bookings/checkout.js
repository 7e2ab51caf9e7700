// What the gateways' forms share: what the order's page says of the payment, problems said aloud, and the payment
// reported to us by the page's own form, which is verified as any client's is.
"use strict";

const NOT_NOW = [429, 502, 503, 504];
const SOONEST = 1000, LATEST = 30000; // milliseconds between two tries

const checkout = {
  says: JSON.parse(document.getElementById("said").textContent).checkout,
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
    this.say(words || this.says.failed);
    this.button.disabled = false;
  },

  // By `fetch`, which is safe to repeat: a payment is booked once. While we cannot be reached it is tried again, and the
  // customer is told not to pay again. A redirect is the answer: the order's page says what came of the payment.
  async report({ payment, signature }) {
    this.say(this.says.paid);
    this.form.elements.payment_id.value = payment;
    this.form.elements.signature.value = signature;
    for (let pause = SOONEST; ; pause = Math.min(pause * 2, LATEST)) {
      const answer = await this.reported();
      if (answer?.type === "opaqueredirect") return location.assign(location.pathname);
      if (answer && !NOT_NOW.includes(answer.status)) return this.form.submit(); // shows what is wrong
      this.say(this.says.waiting);
      await new Promise((resolve) => setTimeout(resolve, pause * (0.75 + Math.random() / 2)));
    }
  },

  async reported() {
    try {
      return await fetch(this.form.action, { method: "POST", body: new FormData(this.form), redirect: "manual" });
    } catch {
      return null; // offline, or nobody answers
    }
  },
};
