import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { debounce } from "../../aeexplorer/live/static/shared/dom.js";

test("what is put off is done once, and not on another page", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.location = /** @type {Location} */ ({ pathname: "/interpolate" });
  const act = mock.fn(), later = debounce(act, 100);
  later();
  mock.timers.tick(60);
  later();
  mock.timers.tick(60);
  assert.equal(act.mock.callCount(), 0);
  mock.timers.tick(60);
  assert.equal(act.mock.callCount(), 1);
  later();
  location.pathname = "/beta";
  mock.timers.tick(100);
  assert.equal(act.mock.callCount(), 1);
});
