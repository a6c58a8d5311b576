"""Rules of the house that no linter knows."""

import ast
import operator
import pathlib

ROOT = pathlib.Path(__file__).parent.parent.parent


def calls_of(source: str, name: str) -> int:
    """How often *source* calls a method *name* of something called venue."""
    if name not in source:  # what does not name it does not call it; parsing is slow
        return 0
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    attributes = [func for func in calls if isinstance(func, ast.Attribute) and func.attr == name]
    return sum("venue" in ast.unparse(func.value) for func in attributes)


def test_the_standard_operator_module_is_not_shadowed():
    """The folder operator/ is no package, or the interpreter itself would break."""
    assert operator.itemgetter(1)("ab") == "b"
    assert not (ROOT / "operator" / "__init__.py").exists()


def test_one_line_of_the_bot_sends_to_a_venue():
    """Every venue write goes through execution/send.py, behind the fence."""
    files = sorted((ROOT / "bot" / "tradingbot").rglob("*.py"))
    senders = {path.name: count for path in files if (count := calls_of(path.read_text(), "send"))}
    assert senders == {"send.py": 1}


def test_the_count_of_senders_sees_a_second_one():
    """Control: a call elsewhere would be counted."""
    assert calls_of("async def f(desk):\n    await desk.venue.send(write)\n", "send") == 1
