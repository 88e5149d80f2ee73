"""The state of a view: link, else session, else default; one change of the address; and where a hand left a panel."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from page_driver import alone, open_page, orphaned, said, trained
from streamlit.testing.v1 import AppTest

import aeexplorer as ae
from aeexplorer.live.components import Panel
from aeexplorer.server import history
from aeexplorer.ui import generate, interpolate
from aeexplorer.ui.shared import view_state
from aeexplorer.ui.shared.run_picker import run_labels
from aeexplorer.ui.shared.view_state import as_link_text, number, whole

__all__ = ["alone"]  # a fixture of every test here


def script(go_on: bool = False) -> None:
    """A view with a native widget and a panel whose hand is played by the session."""
    import streamlit as st

    from aeexplorer.ui.shared.view_state import PanelState, Setting, number, one_link, whole

    page = st.session_state.get("page", "a")
    with one_link(page):
        count = Setting(page, "count", whole(1, 9))
        st.number_input("count", 1, 9, step=1, key=count.begin(3))
        st.session_state["count now"] = count.end(3)
        panel = PanelState("panel", t=Setting("panel", "t", number(0, 1)))
        start = panel.start({"t": (0.0, st.session_state.get("most", 1.0))}, t=0.5)
        st.session_state["starts"] = [*st.session_state.get("starts", []), start["t"]]
        st.session_state["panel"] = "mounted"
        hand = st.session_state.get("hand")
        st.session_state["t now"] = panel.left({"t": start["t"] if hand is None else hand})["t"]


def view(**query: str) -> AppTest:
    app = AppTest.from_function(script)
    for name, text in query.items():
        app.query_params[name] = text
    return app.run()


def test_a_control_begins_with_the_link_else_the_session_else_its_default() -> None:
    assert view().session_state["count now"] == 3
    app = view(count="7")
    assert app.session_state["count now"] == 7
    app.number_input[0].set_value(5).run()
    assert app.query_params["count"] == "5"
    app.number_input[0].set_value(3).run()
    assert "count" not in app.query_params, "the default is not in the link"


def test_what_was_chosen_is_there_when_the_page_is_opened_again() -> None:
    app = view(count="7")
    app.session_state["page"] = "b"
    del app.query_params["count"]
    app.run()
    assert app.session_state["count now"] == 3, "another page has a setting of its own"
    app.session_state["page"] = "a"
    app.run()
    assert (app.session_state["count now"], app.query_params["count"]) == (7, "7")


@pytest.mark.parametrize(("text", "value"), [("x", 3), ("", 3), ("99", 9), ("-4", 1), ("9" * 500, 9), ("2.5", 3)])
def test_a_link_that_cannot_be_read_is_the_default_and_one_out_of_bounds_the_nearest(text: str, value: int) -> None:
    assert view(count=text).session_state["count now"] == value


def test_a_hand_keeps_its_panel_and_the_page_does_not_move_it() -> None:
    app = view(t="0.25")
    app.session_state["hand"] = 0.7
    app.run().run()
    assert (app.session_state["t now"], app.query_params["t"]) == (0.7, "0.7")
    assert set(app.session_state["starts"]) == {0.25}, "what the page gave stays, else the thumb would jump"


def test_back_moves_the_panel_to_what_the_link_says(monkeypatch: pytest.MonkeyPatch) -> None:
    app = view(t="0.25")
    app.session_state["hand"] = 0.7
    app.run()
    app.query_params["t"] = "0.3"
    monkeypatch.setattr(view_state, "went_back", lambda: True)
    app.run()
    assert app.session_state["t now"] == 0.3, "what the hand did before is not in force"
    monkeypatch.setattr(view_state, "went_back", lambda: False)
    app.session_state["hand"] = 0.8
    app.run()
    assert app.session_state["t now"] == 0.8


def test_a_link_that_lags_behind_does_not_move_the_panel() -> None:
    app = view(t="0.25")
    app.session_state["hand"] = 0.7
    app.run()
    app.query_params["t"] = "0.25"  # the browser had not heard of 0.7 when it asked again
    app.run()
    assert app.session_state["t now"] == 0.7


def test_a_panel_that_outlived_its_server_is_believed() -> None:
    app = AppTest.from_function(script)
    app.query_params["t"] = "0.25"
    app.session_state["hand"] = 0.9
    app.run()
    assert app.session_state["starts"][-1] == 0.9, "else the thumb would jump back to what the link said"
    assert app.query_params["t"] == "0.9"


def test_limits_that_change_move_the_control() -> None:
    app = view(t="0.9")
    app.session_state["most"] = 0.4
    app.run()
    assert (app.session_state["starts"][-1], app.session_state["t now"]) == (0.4, 0.4)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567, "1234567"),
        (123456789, "123456789"),
        (1234567.0, "1234567"),
        (0.1 + 0.2, "0.3"),
        (0.0078125, "0.0078125"),
    ],
)
def test_numbers_keep_their_digits_in_a_link(value: float, text: str) -> None:
    assert as_link_text(value) == text


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "x", ""])
def test_a_number_of_a_link_is_finite(text: str) -> None:
    with pytest.raises(ValueError, match=r"|nan|inf"):
        number(0, 1)(text)
    with pytest.raises(ValueError):
        whole(0, 1)("x")


def test_a_large_seed_stays_what_it_is() -> None:
    trained(latent_dim=4)
    app = open_page("generate", view="Sample", seed="1234567")
    assert app.query_params["seed"] == "1234567"
    assert "seed 1234567" in said(app) and "seed=1234567" in app.code[0].value


@pytest.mark.parametrize(
    ("asked", "words"),
    [("digits-nobody", "There is no model digits-nobody here"), ("", "cannot be shown on this page")],
)
def test_a_link_to_a_model_that_cannot_be_shown_says_so_and_offers_the_nearest(asked: str, words: str) -> None:
    deep, flat, wine = trained(latent_dim=4), trained(latent_dim=2), trained("vae", "wine", latent_dim=2, batch_size=32)
    app = open_page("home", run=asked or deep.id)
    assert app.query_params["run"] == flat.id
    assert words in said(app) and "is shown instead" in said(app)
    app.run()
    assert words in said(app), "until a person picks one"
    app.selectbox[0].set_value(wine.id).run()
    assert words not in said(app)


def test_a_page_that_needs_data_begins_where_they_are_unless_somebody_asks() -> None:
    trained("vae", latent_dim=2), trained("vae", latent_dim=2)
    lost, here = ae.list_runs()  # the newest comes first
    orphaned(lost)
    app = open_page("home")
    assert app.query_params["run"] == lost.id
    app.switch_page("../../pages/anomalies.py")
    del app.query_params["run"]  # as a click in the navigation does
    assert app.run().query_params["run"] == here.id
    app = open_page("anomalies", run=lost.id)
    assert app.query_params["run"] == lost.id and "is not on this computer" in said(app)
    app.switch_page("../../pages/few_labels.py")
    del app.query_params["run"]
    assert app.run().query_params["run"] == lost.id


def test_names_of_models_are_short_and_none_is_given_twice() -> None:
    runs = [
        trained(latent_dim=2),
        trained(latent_dim=2),
        trained("ae", latent_dim=3),
        trained(latent_dim=2, title="x" * 99),
    ]
    names = run_labels(runs)
    assert names[runs[2].id] == "Digits · AE · 3-D"
    assert names[runs[0].id].startswith("Digits · VAE · 2-D · ") and len(set(names.values())) == 4
    assert max(map(len, names.values())) <= 44


Mount = Callable[..., Panel]


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Values that the browser still holds when the server begins anew."""
    held: dict[str, Any] = {}

    def mounted(scene: str, *, controls: Any, **_: Any) -> Panel:
        declared = {c.param: c.value for c in controls if c.type != "play"}
        held.setdefault("given", []).append(declared)
        return Panel(declared | {k: v for k, v in held.items() if k in declared}, None)

    for part in (generate, interpolate):
        monkeypatch.setattr(part, "live_panel", mounted)
    return held


def test_after_a_restart_of_the_server_the_slider_stays_where_the_hand_is(hand: dict[str, Any]) -> None:
    trained(latent_dim=4)
    hand["temperature"] = 1.6
    app = open_page("generate", temperature="0.7")
    assert hand["given"][-1]["temperature"] == 1.6
    assert app.query_params["temperature"] == "1.6" and "T = 1.6" in said(app)
    hand["t"] = 0.9
    app = open_page("interpolate", t="0.2")
    assert hand["given"][-1]["t"] == 0.9 and "t = 0.9" in said(app)


def test_all_that_a_script_run_writes_reaches_the_browser_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.runtime.state.query_params import QueryParams

    trained(latent_dim=4)
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(
        QueryParams, "_send_query_param_msg", lambda self: sent.append(dict(self._query_params)), raising=True
    )
    for page in ("interpolate", "generate", "reconstruct"):
        sent.clear()
        open_page(page)
        assert len(sent) == 1 and "run" in sent[0], page


def test_choices_of_the_history_are_in_the_script() -> None:
    text = history.history_script()
    assert "CHOICES" not in text and all(f'"{name}"' in text for name in history.CHOICES)
    assert re.search(r"history\.pushState = ", text)
    assert not history.went_back()
    assert "t" not in history.CHOICES and "sample" not in history.CHOICES
