// Shows the booking's messages as they arrive, from the API. Without this script the page is looked at again.
"use strict";

const table = document.getElementById("messages");
const news = document.getElementById("news");
const words = JSON.parse(document.getElementById("words").textContent);
const UNFINISHED = ["queued", "pending", "sending"];
const SOONEST = 1000, LATEST = 15000; // milliseconds between two looks
let pause = SOONEST;

function word(kind, name) {
  return words[kind][name] || name;
}

function rowOf(message) {
  const known = table.tBodies[0].querySelector(`tr[data-id="${message.id}"]`);
  if (known) return known;
  const row = table.tBodies[0].insertRow();
  row.dataset.id = message.id;
  row.insertCell().textContent = word("kinds", message.kind);
  row.insertCell().textContent = word("channels", message.channel);
  row.insertCell();
  return row;
}

function show(message) {
  const cell = rowOf(message).cells[2];
  if (cell.classList.contains(message.status) && !message.receipt) return null; // the page may know more of it
  const text = message.receipt ? word("receipts", message.receipt) : word("statuses", message.status);
  if (cell.textContent === text) return null;
  cell.textContent = text;
  cell.className = `state ${message.status}`;
  const kind = word("kinds", message.kind), channel = word("channels", message.channel);
  return words.live.news.replace("{kind}", kind).replace("{channel}", channel).replace("{state}", text);
}

async function look() {
  try {
    const answer = await fetch(table.dataset.address, { headers: { Accept: "application/json" } });
    if (answer.status === 401 || answer.status === 403 || answer.status === 404) return; // signed out meanwhile
    if (answer.ok) showBooking(await answer.json());
  } catch {
    // offline: the next look may succeed
  }
  pause = Math.min(pause * 1.3, LATEST);
  setTimeout(look, pause);
}

function showBooking(booking) {
  const changes = booking.notifications.map(show).filter(Boolean);
  const refund = document.getElementById("refund");
  if (refund && booking.refund) refund.textContent = word("refunds", booking.refund);
  if (changes.length) news.textContent = changes.join(". ");
  const waits = booking.notifications.some((message) => UNFINISHED.includes(message.status));
  if (changes.length || waits) pause = SOONEST;
}

if (table) look();
