"use strict";
(() => {
  const form = document.getElementById("filter");
  const table = document.getElementById("table");
  const body = table.tBodies[0];
  const rows = [...body.rows].filter((row) => row.dataset.verdict);
  const heads = [...table.tHead.rows[0].cells];
  const sections = [...document.querySelectorAll("details.namespace")];
  const count = document.getElementById("count");
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase().replace(/\s+/g, " ")]));
  if (!rows.length) return;
  form.hidden = false;

  // Every word of the filter must occur in a row.
  function apply() {
    const words = form.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdict = form.verdict.value;
    const moves = form.moves.checked;
    const all = !words.length && !verdict && !moves;
    const seen = new Set();
    let shown = 0;
    for (const row of rows) {
      const hit = (!verdict || row.dataset.verdict === verdict) && (!moves || "moves" in row.dataset) &&
        words.every((word) => texts.get(row).includes(word));
      row.hidden = !hit;
      if (hit) {
        shown++;
        seen.add(row.dataset.namespace);
      }
    }
    for (const section of sections) {
      const text = section.dataset.text.toLowerCase();
      const byText = words.length > 0 && !verdict && !moves && words.every((word) => text.includes(word));
      section.hidden = !all && !seen.has(section.dataset.name) && !byText;
    }
    count.textContent = all ? `${rows.length} workloads` : `${shown} of ${rows.length} workloads`;
  }

  // Filter and order stand in the address, so that a view can be shared.
  function write() {
    const state = new URLSearchParams();
    if (form.q.value) state.set("q", form.q.value);
    if (form.verdict.value) state.set("verdict", form.verdict.value);
    if (form.moves.checked) state.set("moves", "1");
    const sorted = heads.find((head) => head.hasAttribute("aria-sort"));
    if (sorted) state.set("sort", (sorted.ariaSort === "descending" ? "-" : "") + sorted.textContent.toLowerCase());
    const hash = state.toString();
    history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
    apply();
  }

  function read() {
    const hash = location.hash.slice(1);
    if (/^(q|verdict|moves|sort)=/.test(hash)) {
      const state = new URLSearchParams(hash);
      form.q.value = state.get("q") || "";
      form.verdict.value = state.get("verdict") || "";
      if (!form.querySelector("[name=verdict]:checked")) form.verdict.value = "";
      form.moves.checked = state.has("moves");
      const order = state.get("sort") || "";
      const head = heads.find((head) => head.textContent.toLowerCase() === order.replace(/^-/, ""));
      if (head) sortBy(head, order.startsWith("-"));
    } else if (hash) {
      let id = hash;
      try { id = decodeURIComponent(hash); } catch { /* not encoded */ }
      const target = document.getElementById(id);
      if (target?.matches("details")) {
        target.hidden = false;
        target.open = true;
        target.scrollIntoView();
      }
    }
    apply();
  }

  function sortBy(head, down) {
    for (const other of heads) other.removeAttribute("aria-sort");
    head.ariaSort = down ? "descending" : "ascending";
    const key = (row) => row.cells[head.cellIndex].dataset.key || row.cells[head.cellIndex].textContent.trim();
    rows.sort((a, b) => (down ? -1 : 1) * key(a).localeCompare(key(b), "en", { numeric: true }));
    body.append(...rows);
  }

  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => {
      sortBy(head, head.ariaSort === "ascending");
      write();
    });
    head.replaceChildren(button);
  }
  form.addEventListener("input", write);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", read);
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) {
      event.preventDefault();
      form.q.focus();
    } else if (event.key === "Escape" && event.target === form.q) {
      form.reset();
      write();
    }
  });
  read();
})();
