"""One rule of a CRD: what must hold, and the sentence that names value and cure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """*path* is where it stands, *holds* a CEL expression, *field* what a refusal names, relative to *path*.

    Each {} of *sentence* is filled with the value of one CEL expression of *values*.
    """

    id: str
    path: str
    holds: str
    sentence: str
    values: tuple[str, ...] = ()
    field: str = ""

    def entry(self) -> dict[str, str]:
        """The rule as an entry of x-kubernetes-validations."""
        entry = {"rule": self.holds} | self.text()
        return entry | ({"fieldPath": self.field} if self.field else {})

    def text(self) -> dict[str, str]:
        """A sentence without values is a plain message: it costs nothing to evaluate."""
        if not self.values:
            return {"message": self.sentence}
        first, *rest = (f'"{part}"' for part in self.sentence.split("{}"))
        filled = (f"{value} + {part}" for value, part in zip(self.values, rest, strict=True))
        return {"messageExpression": " + ".join((first, *filled))}
