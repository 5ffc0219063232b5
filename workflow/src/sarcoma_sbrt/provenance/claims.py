"""Claims: words that judge the numbers, each bound to a condition that the numbers must meet.

A claim is a span of the manuscript, ``[significantly longer]{.claim name="os_grade"}``, whose
condition on registry keys stands in ``claims.yaml``. A claim that the numbers do not carry is
refused with the sentence that it stands in, and so is, in abstract and results, a word that
judges or counts outside any claim. What code words is held to the same: a condition may leave
part of its keys open, ``{of}``, and each span says for which it speaks, ``of="lc"``.

A reconstructed cohort is one of many that print the same. A claim is made of it only where every
reconstruction found carries it: a number that no printed figure constrains stands for any value
of its range. Another may be told only as what this reconstruction shows.
"""

from __future__ import annotations

import ast
import difflib
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Protocol

from sarcoma_sbrt.errors import InputError, Problem, RenderError

__all__ = [
    "Claim",
    "Claims",
    "Verdict",
    "check_claims",
    "claim_conditions",
    "holds",
    "keys_asked",
    "read_claims",
    "verdicts",
]

Numbers = Mapping[str, Mapping[str, Any]]
# Least and greatest value; twice the same of a number that is what it is.
_Ends = tuple[Any, Any]

# A key of the registry, or a pattern of keys: Python's own parser would stop at `times_months.1`.
KEY = re.compile(r"(?<![\w.\"'])[A-Za-z_]\w*(?:\.(?:\w|\*(?=[\w.),]))+)+")
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "min": lambda *values: min(values),
    "max": lambda *values: max(values),
    # How many standard errors the limits of a confidence level lie away.
    "z": lambda level: NormalDist().inv_cdf((1 + level) / 2) if 0 < level < 1 else None,
}
# Those that take a single value, and no pattern of keys.
OF_ONE = ("abs", "z")
ALL = "all"
# What `key is <state>` may ask.
ESTIMATED = "estimated"
STATES: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    ESTIMATED: lambda entry: entry["status"] == "estimated" and entry["value"] is not None,
    "quotable": lambda entry: entry["support"] != "filler",
}
GRAMMAR = (
    "keys, numbers, < <= > >= == !=, + - * /, abs min max z, all(…), and or not, "
    "is estimated|quotable"
)
# The part of a condition's keys that each span of the claim fills, and what parses in its place.
OF = "{of}"
STAND_IN = "OF_OF"

CLAIM = re.compile(
    r"\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\{(?P<attributes>[^{}]*\.claim[^{}]*)\}"
)
NAME = re.compile(r'^\.claim\s+name="(?P<name>\w+)"(?:\s+of="(?P<of>[^"]*)")?$')
NUM = re.compile(r"\{\{< num (\S+) >\}\}")
# What stands in the source and is not read as words: code, formulas, calls, targets, attributes,
# citations and cross-references.
MARKUP = re.compile(
    r"`+[^`]*`+|\$[^$\n]+\$|\{\{<.*?>\}\}|\]\([^()\s]*\)|\{[^{}]*\}|(?<![\w\\])@[\w:.-]+|<!--.*?-->"
)
SENTENCE_END = re.compile(r"[.!?](?=[\s\]]|$)")
# Lines that are no prose: of a pipe table, a fence, an include.
NO_PROSE = re.compile(r"^\s*(?:\||:{3,}|\{\{< include )")
ABSTRACT = re.compile(r"^abstract:")
ROOT = "index.qmd"
# What a paragraph says that tells of the reconstruction drawn, and concludes nothing.
THIS_ONE = "this reconstruction"


class SourceLine(Protocol):
    """A line of the assembled manuscript with its place (`rendering.source.Line`)."""

    @property
    def file(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def within(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Claim:
    """One claim of the list.

    Attributes
    ----------
    name : str
        As spans and conditions (``claim.<name>``) call it.
    says : tuple of str
        The wordings that the condition carries; a span holds one of them.
    when : str
        The condition; ``{of}`` in its keys stands for what a span names.
    """

    name: str
    says: tuple[str, ...]
    when: str

    @property
    def is_open(self) -> bool:
        """Whether a span has to say for what it speaks."""
        return OF in self.when

    def condition(self, of: str = "") -> str:
        """The condition of a span that speaks for `of`."""
        return self.when.replace(OF, of)


@dataclass(frozen=True)
class Claims:
    """The list of claims, and the words that only a claim may say.

    Attributes
    ----------
    claims : mapping
        Name -> claim.
    parts : tuple of str
        Where such words are bound: ``abstract``, or a file with all that it includes.
    words : re.Pattern
        Words that judge, and number words.
    set_aside : mapping
        Name of a rule -> phrases in which such a word neither judges nor counts.
    """

    claims: Mapping[str, Claim]
    parts: tuple[str, ...]
    words: re.Pattern[str]
    set_aside: Mapping[str, re.Pattern[str]]


@dataclass(frozen=True)
class Verdict:
    """What the numbers say to a condition.

    Attributes
    ----------
    holds : bool or None
        None where a number that decides it is absent or has no value.
    throughout : bool or None
        The same of every reconstruction found; of another cohort, `holds`.
    found : tuple of str
        ``key = value`` of every number the condition names, or why there is none.
    """

    holds: bool | None
    throughout: bool | None
    found: tuple[str, ...]


@dataclass(frozen=True)
class _Condition:
    """A condition as a tree, and the key that each of its stand-in names means."""

    tree: ast.expr
    keys: Mapping[str, str]


@dataclass(frozen=True)
class _Asked:
    """The registry that a condition is asked of, in this cohort or in every reconstruction."""

    numbers: Numbers
    throughout: bool

    def ends(self, key: str) -> _Ends | None:
        """Least and greatest value of a number; None where it is absent or may have none."""
        entry = self.numbers.get(key)
        if entry is None or entry["value"] is None or self.may_lack(key):
            return None
        if not self._varies(key):
            return entry["value"], entry["value"]
        return entry["solutions"]["low"], entry["solutions"]["high"]

    def may_lack(self, key: str) -> bool:
        """Whether some reconstruction that was found has no value of this number."""
        one = self.numbers[key]["solutions"] if self._varies(key) else None
        return one is not None and one["estimated"] < one["solutions"]

    def _varies(self, key: str) -> bool:
        return self.throughout and "over_solutions" in self.numbers.get(key, {})


# --- the list ---------------------------------------------------------------------------------


def read_claims(
    content: Mapping[str, Any], file: str, line_of: Callable[[str], int] = lambda _: 0
) -> Claims:
    """Claims of a ``claims.yaml`` that has passed its schema.

    Parameters
    ----------
    content : mapping
        ``parts``, ``words`` (group -> regular expressions of whole words), ``set_aside`` (name
        -> ``matches``, ``because``) and ``claims`` (name -> ``says``, ``when``).
    file : str
        For messages.
    line_of : callable
        Line of a key path in the file, for messages: `io.line_of` of it.

    Raises
    ------
    InputError
        For every condition outside the grammar and every expression that is none.
    """
    wrong = [*_wrong_conditions(content["claims"]), *_wrong_patterns(content)]
    if wrong:
        raise InputError([Problem(file, line_of(place), place, *rest) for place, *rest in wrong])
    words = "|".join(word for group in content["words"].values() for word in group)
    return Claims(
        claims={
            name: Claim(name, _wordings(claim["says"]), claim["when"])
            for name, claim in content["claims"].items()
        },
        parts=tuple(content["parts"]),
        words=re.compile(rf"(?<![\w-])(?:{words})(?!\w)", re.IGNORECASE),
        set_aside={name: _phrase(rule["matches"]) for name, rule in content["set_aside"].items()},
    )


def _wordings(says: str | Sequence[str]) -> tuple[str, ...]:
    return (says,) if isinstance(says, str) else tuple(says)


def _phrase(pattern: str) -> re.Pattern[str]:
    """A phrase of the list: a space in it is any white space, so that it may cross lines."""
    return re.compile(rf"\b(?:{pattern})\b".replace(" ", r"\s+"), re.IGNORECASE)


def _wrong_conditions(claims: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, claim in claims.items():
        try:
            _parsed(claim["when"].replace(OF, STAND_IN))
        except ValueError as error:
            yield f"claims.{name}.when", str(error), claim["when"], GRAMMAR


def _wrong_patterns(content: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    named = [
        (f"words.{group}", word) for group, words in content["words"].items() for word in words
    ]
    named += [
        (f"set_aside.{name}.matches", rule["matches"])
        for name, rule in content["set_aside"].items()
    ]
    for place, pattern in named:
        try:
            re.compile(pattern)
        except re.error:
            yield place, "not a regular expression", pattern


# --- conditions -------------------------------------------------------------------------------


def holds(condition: str, numbers: Numbers, *, throughout: bool = False) -> bool | None:
    """Whether a condition on registry keys holds; None where a number that decides it is missing.

    Parameters
    ----------
    condition : str
        Comparisons of keys and constants, ``key is estimated``, ``key is quotable``, ``and``,
        ``or``, ``not``, the four operations, ``abs``, ``min`` and ``max``. Keys stand for values
        at full precision. Within ``min`` and ``max`` a key may hold ``*`` for any letters and
        digits of one part: it stands for every such number that has a value. ``all`` asks of
        each of them what one comparison asks. ``z`` of a confidence level is the half width of
        its interval in standard errors. Operators stand between spaces.
    numbers : mapping
        The registry.
    throughout : bool
        Ask it of every reconstruction found: a number that is printed with its range over them
        stands for any value of the range.

    Raises
    ------
    ValueError
        When the condition is outside this grammar.

    Notes
    -----
    Three-valued logic of Kleene: what rests on a missing number is neither true nor false, and
    its negation is no truth either. Ranges are reckoned with as intervals, each number by
    itself: what is true then is true of every reconstruction, while of numbers that vary
    together it may not be seen that it is.
    """
    condition_ = _parsed(condition)
    return _truth(condition_.tree, condition_.keys, _Asked(numbers, throughout))


def keys_asked(condition: str, numbers: Numbers) -> list[str]:
    """Keys of the registry that a condition asks, each once; a pattern's are all it stands for."""
    asked = _parsed(condition).keys.values()
    found = [_alike(key, numbers) if "*" in key else [key] for key in asked]
    return [key for key in dict.fromkeys(k for keys in found for k in keys) if key in numbers]


def _parsed(text: str) -> _Condition:
    """The condition's tree, every node of it allowed."""
    keys: dict[str, str] = {}

    def stand_in(match: re.Match[str]) -> str:
        name = f"key_{len(keys)}"
        keys[name] = match[0]
        return name

    try:
        tree = ast.parse(KEY.sub(stand_in, text.strip()), mode="eval").body
    except SyntaxError:
        raise ValueError("not a condition") from None
    _require_truth(tree, keys)
    return _Condition(tree, keys)


def _require_truth(node: ast.expr, keys: Mapping[str, str]) -> None:
    """Refuse a node that is not true or false."""
    if isinstance(node, ast.BoolOp):
        for value in node.values:
            _require_truth(value, keys)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _require_truth(node.operand, keys)
    elif isinstance(node, ast.Call):
        _require_all(node, keys)
    elif _is_state(node):
        _require_state(node, keys)  # type: ignore[arg-type]
    elif isinstance(node, ast.Compare) and all(type(op) in COMPARISONS for op in node.ops):
        for operand in (node.left, *node.comparators):
            _require_value(operand, keys)
    else:
        raise ValueError("a condition compares, or asks for a state")


def _require_all(node: ast.Call, keys: Mapping[str, str]) -> None:
    """Refuse what does not ask one thing of every number that one pattern stands for."""
    if not isinstance(node.func, ast.Name) or node.func.id != ALL or node.keywords:
        raise ValueError("a condition compares, or asks for a state")
    argument = node.args[0] if len(node.args) == 1 else None
    if not isinstance(argument, ast.Compare) or len(_patterns(argument, keys)) != 1:
        raise ValueError("all takes one comparison, in which one key has *")
    _require_truth(argument, {name: key.replace("*", "x") for name, key in keys.items()})


def _patterns(node: ast.expr, keys: Mapping[str, str]) -> list[str]:
    """Stand-in names of the patterns of keys within an expression."""
    named = (part.id for part in ast.walk(node) if isinstance(part, ast.Name))
    return [name for name in named if "*" in keys.get(name, "")]


def _is_state(node: ast.expr) -> bool:
    return isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Is | ast.IsNot)


def _require_state(node: ast.Compare, keys: Mapping[str, str]) -> None:
    state = node.comparators[0]
    if len(node.ops) > 1 or not isinstance(node.left, ast.Name) or node.left.id not in keys:
        raise ValueError("“is” stands between one key and a state")
    if "*" in keys[node.left.id]:
        raise ValueError("a key with * stands within min or max")
    if not isinstance(state, ast.Name) or state.id not in STATES:
        raise ValueError(f"a state is {' or '.join(STATES)}")


def _require_value(node: ast.expr, keys: Mapping[str, str]) -> None:
    """Refuse a node that is no number and no text."""
    if isinstance(node, ast.Name):
        if node.id not in keys:
            raise ValueError(f"{node.id} is no key of the registry")
        if "*" in keys[node.id]:
            raise ValueError("a key with * stands within min or max")
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        _require_value(node.left, keys)
        _require_value(node.right, keys)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        _require_value(node.operand, keys)
    elif isinstance(node, ast.Call):
        _require_function(node, keys)
    elif not (isinstance(node, ast.Constant) and type(node.value) in (int, float, str)):
        raise ValueError("what is compared is a key, a number, a text, or worked out from them")


def _require_function(node: ast.Call, keys: Mapping[str, str]) -> None:
    if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS or node.keywords:
        raise ValueError(f"a function is {', '.join(FUNCTIONS)}")
    alone = node.func.id in OF_ONE
    if not node.args or (len(node.args) > 1 and alone):
        raise ValueError("abs and z take one value, min and max take several")
    for argument in node.args:
        if alone or not _is_pattern(argument, keys):
            _require_value(argument, keys)


def _is_pattern(node: ast.expr, keys: Mapping[str, str]) -> bool:
    return isinstance(node, ast.Name) and "*" in keys.get(node.id, "")


def _truth(node: ast.expr, keys: Mapping[str, str], asked: _Asked) -> bool | None:
    if isinstance(node, ast.BoolOp):
        parts = [_truth(value, keys, asked) for value in node.values]
        return _together(parts, decisive=isinstance(node.op, ast.Or))
    if isinstance(node, ast.UnaryOp):
        part = _truth(node.operand, keys, asked)
        return None if part is None else not part
    if isinstance(node, ast.Call):
        return _all(node, keys, asked)
    assert isinstance(node, ast.Compare)
    if _is_state(node):
        return _state(node, keys, asked)
    values = [_value(operand, keys, asked) for operand in (node.left, *node.comparators)]
    pairs = zip(values, node.ops, values[1:], strict=False)
    return _together([_compared(left, type(op), right) for left, op, right in pairs])


def _together(parts: Sequence[bool | None], *, decisive: bool = False) -> bool | None:
    """Truth of parts of which one that is `decisive` decides."""
    if decisive in parts:
        return decisive
    return None if None in parts else not decisive


def _all(node: ast.Call, keys: Mapping[str, str], asked: _Asked) -> bool | None:
    """Whether the comparison holds of every number with a value; of none it says nothing."""
    (pattern,) = _patterns(node.args[0], keys)
    numbers = asked.numbers
    each = [key for key in _alike(keys[pattern], numbers) if numbers[key]["value"] is not None]
    parts = [_truth(node.args[0], {**keys, pattern: key}, asked) for key in each]
    return _together(parts) if parts else None


def _state(node: ast.Compare, keys: Mapping[str, str], asked: _Asked) -> bool | None:
    """A number that the registry has not is in no state."""
    assert isinstance(node.left, ast.Name)
    assert isinstance(node.comparators[0], ast.Name)
    key, state = keys[node.left.id], node.comparators[0].id
    if state == ESTIMATED and asked.may_lack(key):
        return None
    entry = asked.numbers.get(key)
    is_so = entry is not None and STATES[state](entry)
    return is_so == isinstance(node.ops[0], ast.Is)


def _compared(left: _Ends | None, op: type[ast.cmpop], right: _Ends | None) -> bool | None:
    """What all values between the ends agree on; of a missing one there is nothing to say."""
    if left is None or right is None:
        return None
    found = {_compared_values(a, op, b) for a in left for b in right}
    if op in (ast.Eq, ast.NotEq) and _overlap(left, right):
        return None
    return found.pop() if len(found) == 1 else None


def _overlap(left: _Ends, right: _Ends) -> bool:
    """Whether two ranges, one of them no single value, have a value in common."""
    if left[0] == left[1] and right[0] == right[1]:
        return False
    if isinstance(left[0], str) or isinstance(right[0], str):
        return False
    return bool(left[0] <= right[1] and right[0] <= left[1])


def _compared_values(left: Any, op: type[ast.cmpop], right: Any) -> bool:
    """A text and a number are unequal, and neither comes before the other."""
    if isinstance(left, str) != isinstance(right, str):
        return op is ast.NotEq
    return bool(COMPARISONS[op](left, right))


def _value(node: ast.expr, keys: Mapping[str, str], asked: _Asked) -> _Ends | None:
    """Number or text with its ends; None where it rests on a number that has no value."""
    if isinstance(node, ast.Constant):
        return node.value, node.value
    if isinstance(node, ast.Name):
        return asked.ends(keys[node.id])
    parts = [ends for part in _operands(node) for ends in _values(part, keys, asked)]
    known = [ends for ends in parts if ends is not None and not isinstance(ends[0], str)]
    if not known or len(known) < len(parts):
        return None
    if isinstance(node, ast.BinOp):
        return _worked_out(known[0], type(node.op), known[1])
    if isinstance(node, ast.UnaryOp):
        return -known[0][1], -known[0][0]
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    return _function(node.func.id, known)


def _worked_out(left: _Ends, op: type[ast.operator], right: _Ends) -> _Ends | None:
    if op is ast.Div and right[0] <= 0 <= right[1]:
        return None
    corners = [ARITHMETIC[op](a, b) for a in left for b in right]
    return min(corners), max(corners)


def _function(name: str, parts: Sequence[_Ends]) -> _Ends | None:
    """Ends of a function: all but `abs` rise with each of their values."""
    low, high = (FUNCTIONS[name](*(ends[at] for ends in parts)) for at in (0, 1))
    if low is None or high is None:
        return None
    crosses = name == "abs" and parts[0][0] < 0 < parts[0][1]
    return (0 if crosses else min(low, high)), max(low, high)


def _values(node: ast.expr, keys: Mapping[str, str], asked: _Asked) -> list[_Ends | None]:
    """The operand's value; those of every number where it is a pattern of keys."""
    if not _is_pattern(node, keys):
        return [_value(node, keys, asked)]
    assert isinstance(node, ast.Name)
    each = _alike(keys[node.id], asked.numbers)
    return [asked.ends(key) for key in each if asked.numbers[key]["value"] is not None]


def _alike(pattern: str, numbers: Numbers) -> list[str]:
    form = re.compile(re.escape(pattern).replace(r"\*", r"\w*"))
    return [key for key in numbers if form.fullmatch(key)]


def _operands(node: ast.expr) -> Sequence[ast.expr]:
    if isinstance(node, ast.BinOp):
        return (node.left, node.right)
    if isinstance(node, ast.UnaryOp):
        return (node.operand,)
    assert isinstance(node, ast.Call)
    return node.args


def verdicts(claims: Claims, numbers: Numbers) -> dict[str, Verdict]:
    """What the numbers say to every claim of the list that names its keys in full.

    Of another each span says for what it speaks, and `check_claims` asks the numbers then.

    Parameters
    ----------
    claims : Claims
        The list.
    numbers : mapping
        The registry: key -> entry with ``value``, ``status`` and ``support``.
    """
    return {
        name: _verdict(claim.condition(), numbers)
        for name, claim in claims.claims.items()
        if not claim.is_open
    }


def _verdict(condition: str, numbers: Numbers) -> Verdict:
    here, throughout = (holds(condition, numbers, throughout=asked) for asked in (False, True))
    return Verdict(here, throughout, tuple(_found(condition, numbers)))


def _found(condition: str, numbers: Numbers) -> Iterator[str]:
    named = [_alike(key, numbers) or [key] for key in _parsed(condition).keys.values()]
    for key in dict.fromkeys(key for keys in named for key in keys):
        entry = numbers.get(key)
        if entry is None:
            near = difflib.get_close_matches(key, numbers, n=1, cutoff=0.9)
            yield f"{key} is not in the registry" + (f" ({near[0]} is)" if near else "")
        elif entry["value"] is None:
            yield f"{key} has no value ({entry['reason'] or entry['status']})"
        else:
            over = f" [{entry['over_solutions']}]" if "over_solutions" in entry else ""
            yield f"{key} = {entry['value']}{over}"


def claim_conditions(found: Mapping[str, Verdict]) -> dict[str, bool]:
    """Conditions ``claim.<name>`` for ``when-meta``: whether the claim may be made."""
    return {f"claim.{name}": verdict.throughout is True for name, verdict in found.items()}


# --- the text ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Paragraph:
    """Lines of one file that stand together, as one text."""

    lines: tuple[SourceLine, ...]
    bound: bool

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)

    def place(self, position: int, folder: str) -> tuple[str, int]:
        """File and line of a position of the text."""
        line = self.lines[self.text.count("\n", 0, position)]
        file = f"{folder.rstrip('/')}/{line.file}" if folder else line.file
        return file, line.number


def check_claims(
    lines: Sequence[SourceLine],
    claims: Claims,
    found: Mapping[str, Verdict],
    numbers: Numbers,
    *,
    folder: str = "",
) -> int:
    """Refuse every claim that the numbers do not carry, and every judging word outside a claim.

    Parameters
    ----------
    lines : sequence of SourceLine
        Expanded source of the assembled manuscript (`rendering.source.expand`).
    claims : Claims
        The list.
    found : mapping
        `verdicts` of the run.
    numbers : mapping
        The registry, to print the numbers of a sentence that a message quotes.
    folder : str
        Where messages say that the source's files lie.

    Returns
    -------
    int
        How many claims the text makes.

    Raises
    ------
    RenderError
        With file, line and sentence of each.
    """
    problems: list[Problem] = []
    made = 0
    for paragraph in _paragraphs(lines, claims.parts):
        spans = list(CLAIM.finditer(paragraph.text))
        made += len(spans)
        for span in spans:
            problems += _claim_problems(paragraph, span, claims, found, numbers, folder)
        if paragraph.bound:
            problems += _word_problems(paragraph, spans, claims, numbers, folder)
    if problems:
        raise RenderError(problems)
    return made


def _paragraphs(lines: Sequence[SourceLine], parts: Sequence[str]) -> Iterator[_Paragraph]:
    """Prose of the manuscript, captions too, whoever worded it; rows of a table are none."""
    together: list[SourceLine] = []
    bound = False
    for line, is_bound in _with_parts(lines, parts):
        ends = not line.text.strip() or NO_PROSE.match(line.text)
        if together and (ends or line.file != together[0].file or is_bound != bound):
            yield _Paragraph(tuple(together), bound)
            together = []
        if not ends:
            together.append(line)
            bound = is_bound
    if together:
        yield _Paragraph(tuple(together), bound)


def _with_parts(
    lines: Sequence[SourceLine], parts: Sequence[str]
) -> Iterator[tuple[SourceLine, bool]]:
    """Each line, and whether it belongs to a part whose judging words are bound."""
    abstract = False
    for line in lines:
        if line.file == ROOT and line.text[:1].strip():
            abstract = ABSTRACT.match(line.text) is not None
        inside = abstract and line.file == ROOT and "abstract" in parts
        yield line, inside or any(file in parts for file in line.within)


def _claim_problems(
    paragraph: _Paragraph,
    span: re.Match[str],
    claims: Claims,
    found: Mapping[str, Verdict],
    numbers: Numbers,
    folder: str,
) -> Iterator[Problem]:
    file, line = paragraph.place(span.start(), folder)
    sentence = _sentence(paragraph.text, span.start(), numbers)
    attributes = NAME.match(span["attributes"].strip())
    if attributes is None:
        read = f"{{{span['attributes']}}}"
        yield Problem(file, line, "claim", "claim has no name", read, '{.claim name="…"}')
        return
    claim = claims.claims.get(attributes["name"])
    if claim is None:
        near = difflib.get_close_matches(attributes["name"], claims.claims, n=3, cutoff=0.0)
        yield Problem(file, line, attributes["name"], "no such claim", accepted=", ".join(near))
        return
    of = attributes["of"]
    if wrong := _wrong_of(claim, of, span["attributes"], numbers):
        what, read, accepted = wrong
        yield Problem(file, line, claim.name, f"{what}, in “{sentence}”", read, accepted)
        return
    condition = claim.condition(of or "")
    verdict = _verdict(condition, numbers) if claim.is_open else found[claim.name]
    if " ".join(span["text"].split()) not in claim.says:
        what = f"claim does not say so, in “{sentence}”"
        wordings = " or ".join(f"“{text}”" for text in claim.says)
        yield Problem(file, line, claim.name, what, f"“{span['text']}”", wordings)
    elif verdict.holds is not True:
        what = f"the numbers do not carry “{span['text']}”, in “{sentence}”"
        yield Problem(file, line, claim.name, what, "; ".join(verdict.found), condition)
    elif verdict.throughout is not True and THIS_ONE not in paragraph.text.lower():
        what = f"not every reconstruction found carries “{span['text']}”, in “{sentence}”"
        accepted = f"{condition}, in all of them; or a paragraph that says “{THIS_ONE}”"
        yield Problem(file, line, claim.name, what, "; ".join(verdict.found), accepted)


def _wrong_of(
    claim: Claim, of: str | None, attributes: str, numbers: Numbers
) -> tuple[str, str, str] | None:
    """What is wrong with a span's `of`: the fault, what was read, what is accepted."""
    if of is None and not claim.is_open:
        return None
    if not claim.is_open:
        return "claim takes no of", f"{{{attributes}}}", f'{{.claim name="{claim.name}"}}'
    speaks = _spoken_for(claim, numbers)
    if of is None:
        accepted = f'{{.claim name="{claim.name}" of="…"}} with {_nearest("", speaks)}'
        return "claim does not say of what", f"{{{attributes}}}", accepted
    if of not in speaks:
        return "of names no number of the registry", f'of="{of}"', _nearest(of, speaks)
    return None


def _spoken_for(claim: Claim, numbers: Numbers) -> set[str]:
    """Every `of` for which the registry has one of the claim's numbers."""
    found: set[str] = set()
    for key in _parsed(claim.condition(STAND_IN)).keys.values():
        # Once as a group, then as what the group held.
        form = re.escape(key).replace(r"\*", r"\w*").replace(STAND_IN, r"([\w.]+?)", 1)
        pattern = re.compile(form.replace(STAND_IN, r"\1"))
        if STAND_IN in key:
            found |= {match[1] for name in numbers if (match := pattern.fullmatch(name))}
    return found


def _nearest(of: str, accepted: set[str]) -> str:
    """The few that were probably meant."""
    return ", ".join(difflib.get_close_matches(of, sorted(accepted), n=5, cutoff=0.0))


def _word_problems(
    paragraph: _Paragraph,
    spans: Sequence[re.Match[str]],
    claims: Claims,
    numbers: Numbers,
    folder: str,
) -> Iterator[Problem]:
    text = paragraph.text
    for span in spans:
        text = _blanked(text, *span.span())
    text = MARKUP.sub(lambda match: re.sub(r"\S", "\0", match[0]), text)
    for pattern in claims.set_aside.values():
        for match in list(pattern.finditer(text)):
            text = _blanked(text, *match.span())
    for word in claims.words.finditer(text):
        file, line = paragraph.place(word.start(), folder)
        sentence = _sentence(paragraph.text, word.start(), numbers)
        what = f"“{word[0]}” judges or counts outside a claim"
        accepted = f'[{word[0]}]{{.claim name="…"}}, or a phrase that claims.yaml sets aside'
        yield Problem(file, line, word[0], what, f"“{sentence}”", accepted)


def _blanked(text: str, start: int, end: int) -> str:
    """The text with a stretch that holds no words; lines and lengths are kept."""
    return text[:start] + re.sub(r"\S", "\0", text[start:end]) + text[end:]


def _sentence(text: str, position: int, numbers: Numbers) -> str:
    """The sentence that holds a position, as it is printed."""
    # A full stop within a call or a formula ends no sentence.
    masked = MARKUP.sub(lambda match: "\0" * len(match[0]), text)
    ends = [match.end() for match in SENTENCE_END.finditer(masked)]
    start = max((end for end in ends if end <= position), default=0)
    end = min((end for end in ends if end > position), default=len(text))
    return _plain(text[start:end], numbers)


def _plain(text: str, numbers: Numbers) -> str:
    """Text without markup, its numbers as they are printed."""
    text = NUM.sub(lambda match: str(numbers.get(match[1], {}).get("text", match[0])), text)
    text = re.sub(r"\{[.#][^{}]*\}|\]\([^()\s]*\)|[\[\]*]|<!--.*?-->", "", text)
    return " ".join(text.split())
