// Tries again by itself what the database could not answer: loads the page again, or sends the same form once more.
"use strict";

const LONGEST = 60; // seconds between two tries
const again = document.getElementById("again");
const key = `tries ${location.pathname}`;

function tries() {
  const count = Number(sessionStorage.getItem(key)) || 0;
  sessionStorage.setItem(key, count + 1);
  return count;
}

function tryAgain() {
  if (again.tagName === "FORM") again.submit();
  else location.replace(again.href);
}

if (again) {
  const seconds = Number(document.getElementById("content").dataset.seconds);
  const pause = Math.min(seconds * 1.5 ** tries(), LONGEST) * (0.75 + Math.random() / 2); // not all at the same moment
  document.getElementById("plan").textContent = document.getElementById("content").dataset.plan;
  setTimeout(tryAgain, pause * 1000);
}
