"""A check of molecules written as SMILES (Weininger 1988, https://doi.org/10.1021/ci00057a005), by hand.

It reads the string as OpenSMILES (http://opensmiles.org) says: atoms of the organic subset and in brackets, bonds,
branches and ring closures. It knows no Kekulé structures and no stereochemistry: of an aromatic atom it asks for
neighbours in a ring and for no more single bonds than it can have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

VALENCES = {
    "B": 3, "C": 4, "N": 3, "O": 2, "P": 5, "S": 6, "F": 1, "Cl": 1, "Br": 1, "I": 1, "H": 1,
    "b": 3, "c": 3, "n": 3, "o": 2, "p": 3, "s": 2,
}  # fmt: skip
"""The most bonds of an atom without charge, of aromatic ones in lower case without the one of the ring's electrons."""

_ORDERS = {"-": 1, "=": 2, "#": 3, ":": 1, "/": 1, "\\": 1}
_TOKEN = re.compile(
    r"(?P<atom>Cl|Br|[BCNOPSFI]|[bcnops])|\[(?P<isotope>\d*)(?P<symbol>Cl|Br|[BCNOPSFIH]|[bcnops])@{0,2}"
    r"(?P<hydrogens>H\d?)?(?P<charge>\+\d?|-\d?|\+\+|--)?\]|(?P<bond>[-=#:/\\])|(?P<ring>\d|%\d\d)|(?P<other>[().])"
)


@dataclass
class _Atom:
    symbol: str
    most: int
    bonds: dict[int, int] = field(default_factory=dict)


def valid_smiles(text: str) -> bool:
    """Whether a string is a molecule: branches and rings are closed, and no atom has more bonds than it can have."""
    reader, place = _Reader(), 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None or not reader.take(token):
            return False
        place = token.end()
    return reader.complete()


def shares(texts: Iterable[str], known: set[str], valid: Callable[[str], bool] = valid_smiles) -> dict[str, float]:
    """Quality of generated texts, as fractions.

    Args:
        texts: those that were generated. known: those of the training. valid: whether a text is one.

    Returns:
        valid: of all. unique: different ones among the valid. novel: of the unique, those that are not known.
    """
    texts = list(texts)
    right = [text for text in texts if valid(text)]
    unique = set(right)
    return {
        "valid": len(right) / max(len(texts), 1),
        "unique": len(unique) / max(len(right), 1),
        "novel": len(unique - known) / max(len(unique), 1),
    }


class _Reader:
    """Builds the graph of a molecule, token by token."""

    def __init__(self) -> None:
        self.atoms: list[_Atom] = []
        self.last: int | None = None
        self.order = 0  # of the bond that was written before the next atom; 0 where none was
        self.branches: list[int] = []
        self.rings: dict[str, tuple[int, int]] = {}

    def take(self, token: re.Match[str]) -> bool:
        """Read a token; False where it cannot stand here."""
        if token["atom"] or token["symbol"]:
            return self._atom(token)
        if self.last is None or (self.order and not token["ring"]):
            return False
        if token["bond"]:
            self.order = _ORDERS[token["bond"]]
            return True
        if token["ring"]:
            return self._ring(token["ring"], self.last)
        if token["other"] == "(":
            self.branches.append(self.last)
            return True
        if token["other"] == ")":
            if not self.branches or self.last == self.branches[-1]:
                return False
            self.last = self.branches.pop()
            return True
        self.last = None  # a dot begins another molecule
        return not self.branches

    def _atom(self, token: re.Match[str]) -> bool:
        symbol = token["atom"] or token["symbol"]
        most = VALENCES[symbol]
        if token["charge"]:
            sign = 1 if token["charge"][0] == "+" else -1
            size = len(token["charge"]) if token["charge"] in ("++", "--") else int(token["charge"][1:] or 1)
            most += sign * size if symbol.upper() in "NOPS" else 0 if symbol == "c" else -size
        if token["hydrogens"]:
            most -= int(token["hydrogens"][1:] or 1)
        self.atoms.append(_Atom(symbol, most))
        new = len(self.atoms) - 1
        bonded = self.last is None or self._bond(self.last, new, self.order or 1)
        self.last, self.order = new, 0
        return bonded

    def _ring(self, name: str, atom: int) -> bool:
        order, self.order = self.order, 0
        if name not in self.rings:
            self.rings[name] = atom, order
            return True
        other, before = self.rings.pop(name)
        return not (order and before and order != before) and self._bond(other, atom, order or before or 1)

    def _bond(self, a: int, b: int, order: int) -> bool:
        if a == b or b in self.atoms[a].bonds:
            return False
        self.atoms[a].bonds[b] = self.atoms[b].bonds[a] = order
        return True

    def complete(self) -> bool:
        """Whether nothing is left open, and every atom can have its bonds."""
        if not self.atoms or self.branches or self.rings or self.order or self.last is None:
            return False
        return all(sum(atom.bonds.values()) <= _room(atom) and self._in_ring(atom) for atom in self.atoms)

    def _in_ring(self, atom: _Atom) -> bool:
        """Whether an aromatic atom has two aromatic neighbours."""
        if not atom.symbol.islower():
            return True
        return sum(self.atoms[other].symbol.islower() for other in atom.bonds) >= 2


def _room(atom: _Atom) -> int:
    """The most bonds of an atom; an aromatic carbon with a double bond out of the ring gives the ring no electron."""
    return atom.most + (atom.symbol == "c" and 2 in atom.bonds.values())
