// The browser's time zone, for a new account: moments are shown in it. Without scripts they are the venue's.
"use strict";

document.getElementById("id_time_zone").value = Intl.DateTimeFormat().resolvedOptions().timeZone;
