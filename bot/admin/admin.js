// Reads the page anew when the service says that something changed, and puts the
// parts that are live in the place of the old ones. Without it the page reloads by
// the clock.
"use strict";
(() => {
  if (!document.querySelector("[data-live]")) return;
  const note = document.getElementById("watching");
  let busy = false, again = false, first = true;
  async function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (answer.redirected) { location.reload(); return; }
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const old of document.querySelectorAll("[data-live]")) {
        const now = fresh.getElementById(old.id);
        if (!now || now.innerHTML === old.innerHTML) continue;
        const focus = old.contains(document.activeElement) ? document.activeElement.id : "";
        old.replaceChildren(...now.childNodes);
        if (focus) document.getElementById(focus)?.focus();
      }
    } finally {
      busy = false;
      if (again) { again = false; refresh(); }
    }
  }
  const source = new EventSource("/events");
  source.onopen = () => { note.textContent = "live"; note.dataset.state = "live"; };
  source.onerror = () => { note.textContent = "reconnecting"; note.dataset.state = "away"; };
  source.onmessage = () => { if (first) { first = false; return; } refresh(); };
})();
