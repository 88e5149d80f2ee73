"""The help of pages and the glossary: every page has help, and every term of the field on a page is explained."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from waiting import PATIENCE

from aeexplorer.families import FAMILIES, Family
from aeexplorer.metrics.diagnosis import CHECKS
from aeexplorer.models.plain import PlainAutoencoder
from aeexplorer.ui import families
from aeexplorer.ui.shared.figures import NAMES
from aeexplorer.ui.shared.glossary import TERMS, explained, terms_in, word
from aeexplorer.ui.shared.page_help import HELP

ROOT = Path(__file__).parents[1]
SHELL = str(ROOT / "aeexplorer" / "ui" / "shell.py")
FIELD = re.compile(
    r"\b(active units?|adversar\w+|aggregate posterior|annealed|anomal\w+|autoencoders?|bottleneck|codebooks?|"
    r"collaps\w+|cross-entropy|decoders?|denois\w+|discriminator|disentangle\w+|distortion|dropout|early stopping|ELBO|"
    r"encoders?|epochs?|free bits|KL|Langevin|latent (space|plane)|learning rate|lerp|slerp|MMD|MSE|nats?|overfit\w*|PCA|"
    r"perplexity|posteriors?|priors?|reconstructions?|residuals?|t-SNE|temperature|total correlation|UMAP|validation|"
    r"warm-up|weight decay)\b",
    re.IGNORECASE,
)
"""Terms of the field, however they are written."""


def texts_of(path: Path) -> list[str]:
    """The texts in a file that may be shown: its strings with a blank in them, but for docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    shown = []
    docs = {
        ast.get_docstring(node, clean=False)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            shown += [node.value] if node.value not in docs else []
    return shown


FILES = sorted([*(ROOT / "pages").glob("*.py"), *(ROOT / "aeexplorer" / "ui").rglob("*.py")])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_term_that_a_page_uses_has_an_entry(path: Path) -> None:
    for text in texts_of(path):
        for found in FIELD.finditer(text):
            assert any(term_of(found[0])), f"{found[0]!r} in {text!r} has no entry in TERMS"


def term_of(shown: str) -> list[str]:
    """The entry that a form of a term belongs to, by the beginning that they share."""
    folded = shown.casefold()
    forms = {form.casefold(): term.name for term in TERMS.values() for form in (term.name, *term.forms)}
    return [name for form, name in forms.items() if form == folded or (len(form) > 4 and folded[:6] == form[:6])]


def test_what_is_no_entry_is_found() -> None:
    assert not term_of("transmogrifier") and term_of("Collapsing") and term_of("nats")
    assert FIELD.search("a rate in nats") and not FIELD.search("nothing of the sort")


def test_figures_and_findings_are_explained() -> None:
    for name in ("KL", "−ELBO", "MSE", "perplexity", "accuracy", "total correlation"):
        assert name in NAMES.values() or name == "accuracy"
    assert all(terms_in(NAMES[key]) for key in ("reconstruction", "kl", "neg_elbo", "mse", "perplexity", "tc", "mmd"))
    assert all(terms_in(CHECKS[name].title.lower()) for name in ("collapsed", "dead_codebook", "overfit", "few_modes"))


def test_every_page_has_help_and_its_terms_explain_themselves() -> None:
    shell = (ROOT / "aeexplorer" / "ui" / "shell.py").read_text("utf-8")
    paths = {*re.findall(r'url_path="([\w-]+)"', shell), "home"}
    assert paths <= set(HELP), "each page has a row in HELP of ui/shared/page_help.py"
    for page, text in HELP.items():
        assert terms_in(text.seen + text.tried), page
        assert all(part.endswith((".", "?")) and len(part) < 200 for part in text), page


def test_a_term_is_reached_by_pointer_touch_and_keyboard() -> None:
    text = explained("The KL of a code, and the KL again; <b>codes</b>")
    assert text.count('class="ae-term"') == 2 and text.count('tabindex="0"') == 2
    assert "&lt;b&gt;" in text and TERMS["KL"].text.split(":")[0] in text
    assert 'aria-label="x: about &lt;y&gt;"' in word("x", "about <y>")
    css = (ROOT / "aeexplorer" / "ui" / "shared" / "glossary.css").read_text("utf-8")
    assert ".ae-term:hover > .ae-about" in css and ".ae-term:focus > .ae-about" in css


def open_page(name: str, **query: str) -> AppTest:
    app = AppTest.from_file(SHELL, default_timeout=PATIENCE).run()
    app.switch_page(f"../../pages/{name}.py")
    app.query_params.clear()
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def body(app: AppTest) -> str:
    return " ".join(e.proto.body for e in app.get("html"))


def test_the_glossary_finds_terms() -> None:
    app = open_page("glossary", term="nat")
    assert not app.exception and body(app).count("<dt>") < len(TERMS) and "<dt>nat</dt>" in body(app)
    app = open_page("glossary")
    assert body(app).count("<dt>") == len(TERMS)


def test_start_here_leads_to_pages_with_everything_set() -> None:
    app = open_page("start")
    assert not app.exception and "Its " in body(app)
    links = {link.proto.page: link.proto.query_string for link in app.get("page_link")}
    assert len(links) == 5 and all("run=digits-" in query for query in links.values())


def test_each_family_is_shown_from_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Family(
        "small_code_ae", "Small-code autoencoder", "Small-code AE", type("SmallCode", (PlainAutoencoder,), {}),
        FAMILIES["ae"].config, "An autoencoder that pays for the length of its codes.", r"L = \ell(x, \hat x)",
        "An example, https://example.org",
    )  # fmt: skip
    monkeypatch.setitem(FAMILIES, row.name, row)
    monkeypatch.setattr(families, "model_code", lambda row: "class Shown: ...")
    app = open_page("families", family="small_code_ae")
    assert not app.exception
    assert app.subheader[0].value == row.title and row.title in body(app)
    assert families.parent(row) is FAMILIES["ae"]


def test_the_code_of_each_family_is_its_own() -> None:
    for row in FAMILIES.values():
        code = families.model_code(row)
        assert code.startswith(f"class {row.model.__name__}(") and "def " in code
        assert families.look_at(row)[1] in {path.stem for path in (ROOT / "pages").glob("*.py")}
    assert "def kl_terms" in families.model_code(FAMILIES["vae"])
    assert (
        families.parent(FAMILIES["beta_vae"]) is FAMILIES["vae"] and families.parent(FAMILIES["vae"]) is FAMILIES["ae"]
    )
    assert {row.name for row in FAMILIES.values() if families.parent(row) is FAMILIES["cvae"]} == {"m2"}
