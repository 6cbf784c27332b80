"""Every option of the program has its keyword, every keyword its option, and values arrive as they were given."""

from __future__ import annotations

import inspect
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from schistoquant import analyze, batch, evaluate, find_program
from schistoquant.options import AgeGroup, Engine, LabelFormat
from schistoquant.program import CommandLine, said

# What makes no sense in a function: progress and what is printed; the inputs, which are no options.
NOT_OFFERED = {
    "analyze": {"--json", "--quiet", "--help"},
    "batch": {"--dry-run", "--progress-seconds", "--quiet", "--help"},
    "evaluate": {"--json", "--quiet", "--help"},
}


def help_of(command: str) -> str:
    return subprocess.run([find_program(), command, "--help"], check=True, capture_output=True, encoding="utf-8").stdout


@pytest.mark.parametrize(("command", "function"), [("analyze", analyze), ("batch", batch), ("evaluate", evaluate)])
def test_keywords_are_the_options_of_the_program(command: str, function: Callable[..., Any]) -> None:
    parameters = inspect.signature(function).parameters.values()
    keywords = {f"--{one.name.replace('_', '-')}" for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY}
    options = set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", help_of(command), flags=re.MULTILINE))
    assert keywords | NOT_OFFERED[command] == options
    assert not keywords & NOT_OFFERED[command]


@pytest.mark.parametrize(("command", "function"), [("analyze", analyze), ("batch", batch), ("evaluate", evaluate)])
def test_every_keyword_reaches_the_program(
    command: str, function: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given: dict[str, Any] = {}
    for one in inspect.signature(function).parameters.values():
        if one.kind is inspect.Parameter.KEYWORD_ONLY:
            given[one.name] = {"shard": (1, 2), "area": (1, 2, 3, 4)}.get(one.name, True if one.default is False else "word")
    given["out"] = tmp_path

    class Called(Exception):
        pass

    def call(line: CommandLine) -> None:
        raise Called(*line.words)

    for module in ("analysis", "batches", "evaluation"):
        monkeypatch.setattr(f"schistoquant.{module}.call", call)
    with pytest.raises(Called) as raised:
        function("-input", **given)
    first, *words = raised.value.args
    assert first == command
    assert {word.partition("=")[0] for word in words[:-2]} == {f"--{name.replace('_', '-')}" for name in given}
    assert words[-2:] == ["--", "-input"]


def test_words_are_those_of_the_program() -> None:
    listed = help_of("analyze")
    for word in [*get_args(AgeGroup), *get_args(Engine)]:
        assert re.search(rf"^ +- {word}:", listed, flags=re.MULTILINE), word
    labels = re.search(r"Label format: (.*?) or (\w+);", help_of("evaluate"))
    assert labels is not None
    assert (*labels[1].split(", "), labels[2]) == get_args(LabelFormat)


def test_a_value_with_a_comma_is_not_split() -> None:
    line = CommandLine("evaluate")
    with pytest.raises(ValueError, match="expected values without a comma"):
        line.several("--readings", ["a,b", "c"])
    line.several("--area", (1, 2, 3, 4))
    line.value("--threads", None)
    line.value("--um-per-px", 0.25)
    assert line.words == ["evaluate", "--area=1,2,3,4", "--um-per-px=0.25"]


def test_the_message_begins_behind_the_notes() -> None:
    assert said("warning: a.jpg: no error: here\nerror: b\n  caused by: c\n", 3) == "b\n  caused by: c"
    assert said("", 3) == "the program said nothing (exit code 3)"
