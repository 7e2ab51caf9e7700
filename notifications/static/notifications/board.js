// Keeps the board fresh: fetches what changes, puts it in its place, says when it has lost contact.
"use strict";

(() => {
  const board = document.getElementById("board");
  const contact = document.getElementById("contact");
  const told = document.getElementById("told");
  const every = 1000 * Number(board.dataset.seconds);
  const patience = 5000; // milliseconds for one answer
  let misses = 0;
  let timer = 0;
  let lastHeard = new Date();

  // Read aloud, and only when it changes: what is wrong, never the ticking of the clock.
  const tell = (words) => {
    if (told.textContent !== words) {
      told.textContent = words;
    }
  };

  const headlines = () =>
    [...board.querySelectorAll("#headlines li, #headlines p")].map((line) => line.textContent).join(" ");

  const isSelecting = () => {
    const selection = getSelection();
    return !selection.isCollapsed && board.contains(selection.anchorNode);
  };

  // Part by part, and only those that changed: what is being read or scrolled stays where it is.
  const put = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    for (const part of fresh.querySelectorAll("[data-part]")) {
      const old = document.getElementById(part.id);
      if (!old) {
        board.append(part);
      } else if (old.innerHTML !== part.innerHTML) {
        const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
        const scrolled = [...old.querySelectorAll(".outbox-scroll")].map((box) => box.scrollLeft);
        old.innerHTML = part.innerHTML;
        old.querySelectorAll(".outbox-scroll").forEach((box, place) => (box.scrollLeft = scrolled[place] || 0));
        if (focused) {
          document.getElementById(focused)?.focus({ preventScroll: true });
        }
      }
    }
  };

  const clock = (moment) => moment.toLocaleTimeString();

  const lost = (words) => {
    contact.textContent = words;
    contact.classList.add("board-lost");
    board.classList.add("board-stale");
    tell(words);
  };

  const found = () => {
    misses = 0;
    lastHeard = new Date();
    contact.textContent = `Updates every ${board.dataset.seconds} seconds.`;
    contact.classList.remove("board-lost");
    board.classList.remove("board-stale");
    tell(headlines());
  };

  const refresh = async () => {
    const answer = await fetch(board.dataset.now, {
      credentials: "same-origin",
      redirect: "manual",
      signal: AbortSignal.timeout(patience),
    });
    if (answer.type === "opaqueredirect" || answer.status === 403) {
      lost("You are signed out. Sign in again to see the board.");
      return false;
    }
    if (!answer.ok) {
      throw new Error(`HTTP ${answer.status}`);
    }
    const html = await answer.text();
    if (!isSelecting()) {
      put(html);
    }
    found();
    return true;
  };

  const turn = async () => {
    timer = 0;
    if (document.hidden) {
      return; // visibilitychange takes it up again
    }
    let goesOn = true;
    try {
      goesOn = await refresh();
    } catch (error) {
      misses += 1;
      lost(`No contact since ${clock(lastHeard)}. Trying again.`);
    }
    if (goesOn) {
      timer = setTimeout(turn, every * Math.min(2 ** misses, 8));
    }
  };

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && timer === 0) {
      turn();
    } else if (document.hidden) {
      clearTimeout(timer);
      timer = 0;
    }
  });
  document.getElementById("refresh").addEventListener("click", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    turn();
  });

  found();
  timer = setTimeout(turn, every);
})();
