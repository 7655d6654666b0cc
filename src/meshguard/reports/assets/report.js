// Filter, deep links, expand and print. The report is whole without it: all it does is hide, open and scroll.
(() => {
  "use strict";

  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const form = document.getElementById("filter");
  const count = document.getElementById("count");
  const controls = all("details.control");
  const texts = new Map();

  const textOf = (control) => {
    if (!texts.has(control)) texts.set(control, control.textContent.toLowerCase());
    return texts.get(control);
  };

  const wanted = () => ({
    status: all("input[name=status]:checked", form).map((box) => box.value),
    words: form.elements.q.value.trim().toLowerCase(),
  });

  function apply() {
    const { status, words } = wanted();
    let shown = 0;
    for (const control of controls) {
      const fits = (!status.length || status.includes(control.dataset.status)) &&
        (!words || textOf(control).includes(words));
      control.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    for (const group of all("section.group")) group.hidden = !group.querySelector("details.control:not([hidden])");
    const filtered = status.length || words;
    count.textContent = filtered
      ? `Filtered: ${shown} of ${controls.length} controls shown`
      : `${controls.length} ${controls.length === 1 ? "control" : "controls"}`;
    count.classList.toggle("filtered", Boolean(filtered));
  }

  // The filter's state is the fragment, so that a filtered view can be linked to, also from a file.
  function remember() {
    const { status, words } = wanted();
    const state = new URLSearchParams();
    if (status.length) state.set("status", status.join(","));
    if (words) state.set("q", form.elements.q.value.trim());
    const [page] = location.href.split("#");
    history.replaceState(null, "", state.size ? `${page}#${state}` : page);
  }

  function recall(fragment) {
    const state = new URLSearchParams(fragment);
    const status = (state.get("status") || "").split(",");
    for (const box of all("input[name=status]", form)) box.checked = status.includes(box.value);
    form.elements.q.value = state.get("q") || "";
    apply();
  }

  function reveal(target) {
    for (let node = target; node; node = node.parentElement) {
      if (node.tagName === "DETAILS") node.open = true;
    }
    const control = target.closest("details.control");
    if (control && control.hidden) recall("");
    const summary = target.matches("details") ? target.querySelector("summary") : null;
    if (summary) summary.focus({ preventScroll: true });
    for (const old of all(".aimed")) old.classList.remove("aimed");
    target.classList.add("aimed");
    target.scrollIntoView();
  }

  function follow() {
    let fragment = location.hash.slice(1);
    if (/^(status|q)=/.test(fragment)) {
      recall(fragment);
      document.getElementById("controls").scrollIntoView();
      return;
    }
    try {
      fragment = decodeURIComponent(fragment);
    } catch {
      return;
    }
    const target = ["", "control-", "finding-"]
      .map((kind) => fragment && document.getElementById(kind + fragment))
      .find(Boolean);
    if (target) reveal(target);
  }

  function open(state) {
    for (const control of controls) if (!control.hidden) control.open = state;
  }

  let timer = 0;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => { apply(); remember(); }, 120);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { apply(); remember(); }));
  document.getElementById("expand").addEventListener("click", () => open(true));
  document.getElementById("collapse").addEventListener("click", () => open(false));

  for (const link of all("a[data-status]")) link.href = `#status=${link.dataset.status}`;

  // A second click on a link to where we already are fires no hashchange, yet its target may have been closed.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) follow();
  });
  window.addEventListener("hashchange", follow);

  // Paper can't be opened: print everything, then put it back as it was.
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = all("details:not([open])");
    for (const closed of opened) closed.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const closed of opened) closed.open = false;
    opened = [];
  });

  form.hidden = false;
  apply();
  follow();
  // The browser's own going to the fragment takes the focus away again; it has happened when all is loaded.
  window.addEventListener("load", () => { if (location.hash) follow(); }, { once: true });
})();
