"""The demo checks the file it shows."""

import json
from pathlib import Path

import pytest

from app.cli import demo
from app.cli.failures import Failure


def test_the_demo_reads_its_file_as_a_trainer_would(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    good = json.dumps({"messages": [{"role": "user", "content": "a\u2028b"}, {"role": "assistant", "content": "c"}]})
    path.write_text(f"{good}\n{good}\n")
    assert demo.verified(path, 2) == 2
    for bad, announced in ((good[:-1], 1), ('{"messages": []}', 1), (good, 2)):
        path.write_text(f"{bad}\n")
        with pytest.raises(Failure, match=r"rows\.jsonl"):
            demo.verified(path, announced)
