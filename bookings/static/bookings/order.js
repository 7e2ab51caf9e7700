// How long the seats are still held. Without this script the page says until when.
"use strict";

const hold = document.getElementById("hold");
const says = JSON.parse(document.getElementById("said").textContent).hold;
const left = document.createElement("span");

function show() {
  const seconds = Math.max(0, Math.round((new Date(hold.dateTime) - Date.now()) / 1000));
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  left.textContent = ` ${seconds ? says.left.replace("{time}", time) : says.over}`;
  if (seconds) setTimeout(show, 1000);
}

if (hold) {
  left.setAttribute("aria-hidden", "true"); // a timer that is read aloud every second helps nobody
  hold.after(left);
  show();
}
