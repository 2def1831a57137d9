"""A bundle unpacked: the rows, what is said of them, and what trainers need, as those read it who will."""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import datasets
import mlcroissant
import pytest
import yaml
from huggingface_hub import DatasetCard

from app import catalog
from app.exports.checks import trainers
from app.exports.schemas import Bundle, ExportCreate
from tests.api.conftest import Made

Json = dict[str, Any]
ASKED = {
    "title": 'Ferries | of <b>"Norvik"</b>\u2028---',
    "author": "Harbour office",
    "license": "CC-BY-4.0",
    "url": "https://harbour.example/rows",
    "base_model": "acme/tiny",
}


def unpacked(made: Made, folder: Path, **wanted: Any) -> tuple[Json, Path]:
    """An export with a bundle, and the folder where the bundle was unpacked."""
    export = made.service.exported(made.dataset_id, **{"bundle": ASKED} | wanted)
    assert export["status"] == "succeeded", export
    file = export["files"]["bundle.zip"]
    reply = made.service.http.get(file["url"])
    assert reply.headers["content-type"] == "application/zip"
    assert hashlib.sha256(reply.content).hexdigest() == file["sha256"]
    with zipfile.ZipFile(io.BytesIO(reply.content)) as packed:
        assert packed.testzip() is None
        packed.extractall(folder)
    return export, folder


@pytest.fixture(scope="module", params=[entry.suffix for entry in catalog.CONTAINERS.entries.values()])
def bundle(request: pytest.FixtureRequest, made: Made, tmp_path_factory: pytest.TempPathFactory) -> tuple[Json, Path]:
    return unpacked(made, tmp_path_factory.mktemp("bundle"), container=request.param, include_sources=True)


def test_a_bundle_holds_the_files_of_the_export_and_says_where_they_came_from(
    bundle: tuple[Json, Path], made: Made
) -> None:
    export, folder = bundle
    suffix = catalog.CONTAINERS[export["container"]].suffix
    for split in ("train", "validation"):
        data = (folder / "data" / f"{split}.{suffix}").read_bytes()
        assert hashlib.sha256(data).hexdigest() == export["files"][f"{split}.{suffix}"]["sha256"]
    manifest = json.loads((folder / "provenance/manifest.json").read_text())
    assert manifest == made.service.http.get(export["files"]["manifest.json"]["url"]).json()
    assert manifest["prompts"] and manifest["dataset"]["spec"]["gates"] and manifest["model"] == "fake"
    (document,) = map(json.loads, (folder / "provenance/documents.jsonl").read_text().splitlines())
    assert (document["name"], document["sha256"]) == ("паромы.md", hashlib.sha256(made.text.encode()).hexdigest())
    licence = (folder / "LICENSE").read_text()
    assert "SPDX-License-Identifier: CC-BY-4.0" in licence and "Harbour office" in licence


def test_the_card_is_one_that_a_hub_accepts_and_loads_the_rows_by(bundle: tuple[Json, Path], tmp_path: Path) -> None:
    export, folder = bundle
    card = DatasetCard.load(folder / "README.md")
    assert card.data.to_dict()["pretty_name"] == " ".join(ASKED["title"].split())
    assert (card.data.license, card.data.language, card.data.size_categories) == ("cc-by-4.0", ["en"], ["n<1K"])
    assert card.data.task_categories and {"synthetic", "corpusmith"} <= set(card.data.tags or ())
    assert "<b>" not in card.text and "\n---" not in card.text
    found = datasets.load_dataset(str(folder), cache_dir=str(tmp_path))
    suffix = catalog.CONTAINERS[export["container"]].suffix
    assert {name: split.num_rows for name, split in found.items()} == {
        name: export["files"][f"{name}.{suffix}"]["rows"] for name in ("train", "validation")
    }


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated", "ignore:The inplace keyword")
def test_mlcroissant_validates_the_metadata_and_reads_the_rows_by_it(
    bundle: tuple[Json, Path], made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export, folder = bundle
    described = mlcroissant.Dataset(folder / "croissant.json")
    issues = described.metadata.ctx.issues
    assert not issues.errors and not issues.warnings, issues.report()
    assert described.metadata.license == ["https://spdx.org/licenses/CC-BY-4.0.html"]
    suffix = catalog.CONTAINERS[export["container"]].suffix
    plain = made.service.exported(made.dataset_id)["files"]["train.jsonl"]["url"]
    rows = [json.loads(line) for line in made.service.http.get(plain).text.splitlines()]
    found = list(described.records("train"))
    assert len(found) == export["files"][f"train.{suffix}"]["rows"] == len(rows)
    for record, row in zip(found, rows, strict=True):
        if suffix == "csv":
            assert json.loads(record["train/messages"]) == row["messages"]
        else:
            told = [turn["train/messages/content"].decode() for turn in record["train/messages"]]
            assert told == [turn["content"] for turn in row["messages"]]


def test_the_same_export_gives_the_same_bundle(made: Made) -> None:
    one, two = (made.service.exported(made.dataset_id, bundle={}) for _ in range(2))
    assert one["files"]["bundle.zip"]["sha256"] == two["files"]["bundle.zip"]["sha256"]
    assert one["options"]["bundle"]["trainers"] == ["axolotl", "llama_factory", "trl", "unsloth"]


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
def test_a_bundle_without_a_licence_claims_none(made: Made, tmp_path: Path) -> None:
    _, folder = unpacked(made, tmp_path, bundle={"trainers": []})
    assert "No licence was stated" in (folder / "LICENSE").read_text()
    assert DatasetCard.load(folder / "README.md").data.license == "unknown"
    assert not (folder / "trainers").exists()
    assert mlcroissant.Dataset(folder / "croissant.json").metadata.license == ["unknown"]


@pytest.mark.parametrize(
    "name", [n for n, entry in catalog.FORMATS.entries.items() if entry.holds("grounded_qa", "chat")]
)
def test_the_trainers_of_each_format_name_files_that_are_there(name: str, made: Made, tmp_path: Path) -> None:
    export, folder = unpacked(made, tmp_path, format=name)
    assert export["options"]["bundle"]["trainers"], "some trainer reads every format"
    for trainer in export["options"]["bundle"]["trainers"]:
        files = list((folder / "trainers" / trainer).iterdir())
        assert files
        for file in files:
            text = file.read_text()
            if file.suffix == ".py":
                compile(text, str(file), "exec")
            if file.suffix == ".yaml":
                assert "acme/tiny" in yaml.safe_load(text).values()
            for command in catalog.TRAINERS[trainer].commands(_bundled(name)):
                assert command in (folder / "README.md").read_text()


def _bundled(format: str) -> Any:
    from app.catalog.bundled import Bundled

    return Bundled(
        name="x", format=format, builder="json", train="t", validation=None, columns=frozenset(), base_model="m"
    )


def test_the_command_line_fetches_a_bundle(made: Made, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from app.cli import app

    def run(*options: str) -> Any:
        folder = ("--output", str(tmp_path), "--url", str(made.service.http.base_url))
        return CliRunner().invoke(app, ["export", made.dataset_id, *folder, *options])

    done = run("--container", "parquet", "--bundle", "--trainer", "trl", "--trainer", "axolotl", "--license", "MIT")
    assert done.exit_code == 0, done.stderr
    rows, packed = map(Path, done.stdout.split())
    assert (
        rows.name == f"{made.dataset_id}-messages.parquet" and packed.name == f"{made.dataset_id}-messages-bundle.zip"
    )
    with zipfile.ZipFile(packed) as file:
        assert {"trainers/trl/sft.yaml", "trainers/axolotl/train.yaml", "data/train.parquet"} <= set(file.namelist())
        assert "trainers/unsloth/train.py" not in file.namelist()
        assert b"SPDX-License-Identifier: MIT" in file.read("LICENSE")
    assert run("--trainer", "trl").exit_code == 2, "--trainer alone is a mistake"
    refused = run("--bundle", "--trainer", "trl", "--format", "alpaca")
    assert (refused.exit_code, "trl cannot read" in refused.stderr) == (4, True)


@pytest.mark.parametrize(
    ("wanted", "code", "pointer"),
    [
        ({"bundle": {"trainers": ["keras"]}}, "unknown_catalog_entry", "/bundle/trainers/0"),
        ({"bundle": {"trainers": ["trl"]}, "format": "alpaca"}, "invalid_request", "/bundle/trainers/0"),
        ({"bundle": {"trainers": ["trl"]}, "container": "csv"}, "invalid_request", "/bundle/trainers/0"),
        ({"bundle": {"base_model": "a b"}}, "invalid_request", "/bundle/base_model"),
        ({"bundle": {"license": "CC BY"}}, "invalid_request", "/bundle/license"),
        ({"bundle": {"licence": "MIT"}}, "invalid_request", "/bundle/licence"),
        ({"bundle": True}, "invalid_request", "/bundle"),
    ],
)
def test_what_no_bundle_can_hold_is_refused(made: Made, wanted: Json, code: str, pointer: str) -> None:
    reply = made.service.http.post(f"/v1/datasets/{made.dataset_id}/exports", json=wanted)
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, code)
    assert reply.json()["errors"][0]["pointer"] == pointer


def test_pairs_of_conversations_are_for_trainers_that_read_them() -> None:
    wanted = ExportCreate(format="dpo", bundle=Bundle())
    assert trainers(wanted, "preference") == ["axolotl", "trl", "unsloth"]
    assert trainers(wanted, "trajectories") == ["trl"]
    assert trainers(ExportCreate(format="trl_tools", bundle=Bundle()), "tools") == ["trl"]
    assert trainers(ExportCreate(format="sharegpt", bundle=Bundle()), "tools") == ["llama_factory"]


def test_a_file_is_all_it_takes_to_add_a_trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import app.catalog.trainers as folder
    from app.catalog.bundled import Trainer
    from app.catalog.registry import Registry

    (tmp_path / "mine.py").write_text(
        "from app.catalog.bundled import Trainer\n"
        "MINE = Trainer(summary='Mine.', formats=frozenset({'messages'}), files=lambda b: {'run': b.train},\n"
        "               commands=lambda b: ['mine trainers/mine/run'])\n"
    )
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    fresh = Registry(Trainer, "app.catalog.trainers")
    monkeypatch.setattr(catalog, "TRAINERS", fresh)
    assert "mine" in trainers(ExportCreate(bundle=Bundle()), "chat")
    assert fresh["mine"].files(_bundled("messages")) == {"run": "t"}
