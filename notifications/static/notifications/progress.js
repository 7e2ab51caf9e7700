// Drives a bulk action on, batch after batch, and shows how far it is. Without it, the form's button does the same.
"use strict";

(() => {
  const form = document.getElementById("drive");
  const bar = document.getElementById("bar");
  const said = document.getElementById("said");
  if (!form) {
    return;
  }

  const step = async () => {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      headers: { Accept: "application/json" },
    });
    if (!answer.ok) {
      throw new Error(`HTTP ${answer.status}`);
    }
    return answer.json();
  };

  const drive = async () => {
    for (;;) {
      const now = await step();
      bar.value = now.ended;
      said.textContent = `${said.dataset.done} ${now.replayed} of ${now.total}.`;
      if (now.is_finished) {
        location.reload();
        return;
      }
    }
  };

  drive().catch((error) => {
    said.textContent = `Interrupted (${error.message}). “Continue” takes it up where it is.`;
  });
})();
