"""What the tests share: the drawn specimen of the repository, analyzed once."""

from __future__ import annotations

from pathlib import Path

import pytest
from schistoquant import Case, analyze

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """Folder of the repository's fixtures."""
    return FIXTURES


@pytest.fixture(scope="session")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """The case of ``fixtures/specimen``."""
    return analyze(FIXTURES / "specimen", out=tmp_path_factory.mktemp("case"), accession="S-1")
