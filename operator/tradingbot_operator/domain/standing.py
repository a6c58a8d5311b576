"""Whether an object is as it was asked to be, so that nothing is written only to be sure."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tradingbot_operator.domain.bot import Manifest
from tradingbot_operator.domain.names import ASKED
from tradingbot_operator.domain.revision import digest

AMOUNTS = frozenset({"limits", "requests", "sizeLimit"})
AMOUNT = re.compile(r"([0-9.]+)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
UNITS = {
    **dict(
        zip(
            ("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), (Decimal(10) ** n for n in range(-9, 19, 3)), strict=True
        )
    ),
    **dict(zip(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), (Decimal(2) ** n for n in range(10, 70, 10)), strict=True)),
}


def content(manifest: Manifest) -> str:
    """One word for all that is asked of an object."""
    return digest(manifest, 20)


def marked(manifest: Manifest) -> Manifest:
    """The same, and it carries the word for it: what is no longer asked for can be told from what stands."""
    meta = manifest["metadata"]
    notes = {**(meta.get("annotations") or {}), ASKED: content(manifest)}
    return {**manifest, "metadata": {**meta, "annotations": notes}}


def stands(live: Mapping[str, Any], manifest: Manifest) -> bool:
    """Whether just that was asked of *live* last, and nobody has changed any of it since."""
    asked = (live["metadata"].get("annotations") or {}).get(ASKED)
    return asked == content(manifest) and holds(live, manifest)


def holds(live: Any, asked: Any, amounts: bool = False) -> bool:
    """Whether all of *asked* is in *live*; what the API server or others have added does not count."""
    if not asked and not live:
        # An empty map or list is not stored.
        return asked == live or live is None
    if isinstance(asked, Mapping):
        return isinstance(live, Mapping) and all(
            holds(live.get(name), value, amounts or name in AMOUNTS) for name, value in asked.items()
        )
    if isinstance(asked, (list, tuple)):
        return (
            isinstance(live, list)
            and len(live) == len(asked)
            and all(holds(*pair, amounts) for pair in zip(live, asked, strict=True))
        )
    return live == asked or (amounts and _amount(live) is not None and _amount(live) == _amount(asked))


def _amount(value: Any) -> Decimal | None:
    """What the API server may write in another way: 1000m as 1, 1024Mi as 1Gi."""
    found = AMOUNT.fullmatch(str(value))
    return Decimal(found[1]) * UNITS[found[2] or ""] if found else None
