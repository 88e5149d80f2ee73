// Streamlit makes an entry of the browser's history for each change of the address that a script asks for. Here only two
// things make one: another page, and a choice, which is a change of one of the parameters that people choose.
(() => {
  const choices = CHOICES;
  const [push, replace] = [history.pushState.bind(history), history.replaceState.bind(history)];
  let [touched, pushed, origin] = [false, false, location.href];
  const touch = () => ([touched, pushed, origin] = [true, false, location.href]);
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, touch, true);
  addEventListener("popstate", () => (touched = false), true);

  history.pushState = (state, title, address) => {
    const [before, after] = [new URL(location.href), new URL(address ?? location.href, location.href)];
    if (before.pathname === after.pathname) {
      const chosen = choices.some((name) => before.searchParams.get(name) !== after.searchParams.get(name));
      if (touched && chosen && !pushed) push(state, title, address);
      else replace(state, title, address);
      pushed ||= touched && chosen;
      return;
    }
    // what a page writes may come before its path: then it went into, or over, the entry of the page that is being left
    if (pushed) replace(state, title, address);
    else {
      if (touched) replace(history.state, "", origin);
      push(state, title, address);
    }
    [touched, pushed] = [false, false];
  };
})();
