// Streamlit makes an entry of the browser's history for each change of the address that a script asks for. Here only a
// choice makes one: a person has touched the page, and one of the parameters that people choose is another than before.
(() => {
  const choices = CHOICES;
  const push = history.pushState.bind(history);
  let touched = false;
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => (touched = true), true);
  addEventListener("popstate", () => (touched = false), true);
  history.pushState = (state, title, address) => {
    const [before, after] = [new URL(location.href), new URL(address ?? location.href, location.href)];
    const changed = choices.some((name) => before.searchParams.get(name) !== after.searchParams.get(name));
    if (before.pathname === after.pathname) {
      // a page that is being left has its parameters taken away: its entry keeps them
      if (before.searchParams.has("run") && !after.searchParams.has("run")) return;
      if (!touched || !changed) return history.replaceState(state, title, address);
    }
    touched = false;
    push(state, title, address);
  };
})();
