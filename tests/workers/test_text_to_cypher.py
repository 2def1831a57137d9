"""Rows of the recipe, with a model that says what stands here and Cypher that really runs."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app import storage
from app.catalog import TASKS
from app.catalog.cypher import CATEGORY_NAMES
from app.domain import Chunk, Context, Dropped, Sample
from app.settings import settings
from tests.conftest import forget_process_state
from tests.workers import graphs
from tests.workers.scripted import Scripted, made_by
from workers.gates.cypher_entities import entities, stands
from workers.recipes import Outcome, Work
from workers.recipes.text_to_cypher import repair
from workers.sandbox.graph import Graph
from workers.sandbox.graph_build import BadGraph, build
from workers.sandbox.graph_child import split
from workers.sandbox.graph_parts import describe, parts
from workers.sandbox.graph_pool import GRAPHS
from workers.sandbox.graph_schema import GraphPart, shown
from workers.steps.cypher_draw import GraphDraw
from workers.steps.cypher_rows import limits_of
from workers.steps.cypher_templates import TEMPLATES
from workers.steps.sql_draw import NoFit

COUNT = "MATCH (p:Person) WHERE p.city = 'Oslo' RETURN count(p) AS number"
ASKS = "How many people live in Oslo?"
GOOD = {"reason": "There is no flaw.", "coherence": 5}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Graph, GraphPart]]:
    """The whole graph, stored, and one part of it."""
    folder = tmp_path_factory.mktemp("films")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CORPUSMITH_DATA_DIR", str(folder))
        forget_process_state()
        nodes, edges = graphs.records()
        graph = Graph.model_validate({"nodes": nodes, "edges": edges})
        image = storage.keep_bytes(graph.model_dump_json().encode())
        assert Path(settings().data_dir) == folder
        whole = describe(graph, "films", "0").model_copy(update={"image": image})
        yield graph, next(parts(whole, graph, random.Random(3), count=1, neighbourhood=12))
        GRAPHS.close()
    forget_process_state()


def context(part: GraphPart) -> Context:
    text = part.model_dump_json()
    chunk = Chunk(id="c", document_id="d", document_name="films.json", start=0, end=0, text=text)
    return Context(id="ctx", chunks=(chunk,), language="en")


def asked(part: GraphPart, *pairs: tuple[str, str], **options: Any) -> Outcome:
    """What becomes of pairs of question and Cypher that a model has written."""
    meaning, judge = options.pop("meaning", pairs[0][0]), options.pop("judge", GOOD)
    said = {"questions": [{"question": question, "cypher": cypher} for question, cypher in pairs]}
    model = Scripted(
        ask__cypher=said, ask__cypher_reverse=said, judge__cypher_back={"meaning": meaning}, judge__cypher=judge
    )
    chosen: dict[str, Any] = {"ways": {"model": 1}, "questions_per_context": len(pairs), "query_seconds": 20} | options
    return made_by("text_to_cypher", model, context(part), **chosen)


def only(outcome: Outcome) -> Sample | Dropped:
    assert len(outcome.kept) + len(outcome.dropped) == 1
    return outcome.kept[0] if outcome.kept else outcome.dropped[0]


def test_a_row_holds_schema_question_cypher_and_what_it_gave(films: tuple[Graph, GraphPart]) -> None:
    row = only(asked(films[1], (ASKS, COUNT + ";")))
    assert isinstance(row, Sample), row
    assert row.answer == COUNT
    assert row.attributes["result"]["rows"] == [[14]]
    assert (row.attributes["labels"], row.attributes["types"]) == (["Person"], [])
    assert row.turns[1]["content"].startswith("Nodes:\n(:Movie {genre: STRING, score: FLOAT, title: STRING, ")
    assert row.turns[1]["content"].endswith(f"\n\n{ASKS}")
    assert row.turns[2]["content"] == COUNT
    assert {"cypher_entities", "cypher_meaning", "cypher_coherence"} <= {one.metric for one in row.verdicts}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"meaning": "Which animals can swim under water?"}, "cypher_meaning_lost"),
        ({"judge": {"reason": "It counts too many.", "coherence": 2}}, "cypher_mismatch"),
    ],
)
def test_the_semantic_and_the_coherence_validator_have_reasons_of_their_own(
    films: tuple[Graph, GraphPart], changed: dict[str, Any], reason: str
) -> None:
    row = only(asked(films[1], (ASKS, COUNT), **changed))
    assert isinstance(row, Dropped)
    assert row.reason == reason


def test_what_the_question_names_must_stand_in_the_cypher(films: tuple[Graph, GraphPart]) -> None:
    row = only(asked(films[1], ("How many people of Bergen live in Oslo?", COUNT)))
    assert isinstance(row, Dropped)
    assert (row.reason, row.detail) == ("entity_missing", "cypher_entities 0.5: not in the Cypher: Bergen")


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Which 3 films did Ada Berg act in after 2010?", ["Ada Berg", "3", "2010"]),
        ("Who made 'Fjord Story 4' in Oslo?", ["Fjord Story 4", "Oslo"]),
        ("Is it so?", []),
    ],
)
def test_entities_are_names_quoted_words_and_numbers(question: str, found: list[str]) -> None:
    assert entities(question, "en", "") == found


def test_an_inflected_name_stands_and_another_number_does_not() -> None:
    assert stands("Oslos", COUNT)
    assert stands("Persons", COUNT)
    assert not stands("Bergen", COUNT)
    assert not stands("Film 4", "MATCH (m:Movie {title: 'Film 3'}) RETURN m.year")


def test_in_the_reverse_way_the_result_must_hold_the_answer_that_was_chosen(films: tuple[Graph, GraphPart]) -> None:
    reverse: dict[str, Any] = {"ways": {"reverse": 1}, "gates": {}}
    everything = "MATCH (n) UNWIND keys(n) AS key RETURN collect(DISTINCT properties(n)[key]) AS values"
    kept = only(asked(films[1], (ASKS, everything), result_rows=50, query_rows=100, **reverse))
    assert kept.attributes["chosen"].partition(", the ")[0].strip("'") == str(kept.attributes["holds"])
    wrong = only(asked(films[1], (ASKS, "MATCH (s:Studio) RETURN 'nothing' AS a, count(s) AS b"), **reverse))
    assert isinstance(wrong, Dropped)
    assert wrong.reason == "wrong_result"


def test_every_template_can_be_filled_and_runs(films: tuple[Graph, GraphPart]) -> None:
    graph, one = films
    assert sum(map(len, TEMPLATES.values())) >= 30
    assert set(TEMPLATES) == set(CATEGORY_NAMES)
    drawn = [*parts(one, graph, random.Random(5), count=6, neighbourhood=20)]
    for templates in TEMPLATES.values():
        for name, template in templates.items():
            given = []
            for place, part in enumerate(drawn):
                try:
                    given.append(template(GraphDraw(part, random.Random(place))))
                except NoFit:
                    continue
            assert given, name
            outcome = asked(one, *[(f"{meaning}, please?", cypher) for cypher, meaning in given], gates={})
            reasons = {row.reason for row in outcome.dropped}
            assert reasons <= {"empty_result"}, outcome.dropped


def test_templates_are_worded_and_bring_all_categories(films: tuple[Graph, GraphPart]) -> None:
    worded = {"questions": [f"What is the answer to it, number {i}?" for i in range(16)]}
    model = Scripted(word__cypher=worded)
    options: dict[str, Any] = {"ways": {"template": 1}, "questions_per_context": 16, "query_seconds": 20}
    outcome = made_by("text_to_cypher", model, context(films[1]), gates={}, **options)
    assert {row.reason for row in outcome.dropped} <= {"empty_result", "no_template"}
    assert len(outcome.kept) >= 10
    assert len({row.attributes["category"] for row in outcome.kept}) >= 6
    assert model.asked[0][2]["queries"][0].startswith("MATCH ")


def build_of(folder: Path, files: dict[str, bytes]) -> Graph:
    folder.mkdir(exist_ok=True)
    placed = []
    for name, data in files.items():
        (folder / name).write_bytes(data)
        placed.append((name, folder / name))
    return build(placed).graph


def test_csv_json_and_cypher_are_the_same_graph(tmp_path: Path) -> None:
    texts = []
    for files in (graphs.as_csvs(), {"films.json": graphs.as_json()}, {"films.cypher": graphs.as_cypher()}):
        graph = build_of(tmp_path, files)
        assert (len(graph.nodes), len(graph.edges)) == (63, 166)
        bare = graph.model_copy(
            update={"nodes": tuple(node.model_copy(update={"properties": {
                name: value for name, value in node.properties.items() if name != "key"}}) for node in graph.nodes)}
        )  # fmt: skip
        texts.append(shown(describe(bare, "films", "0"), 0))
    assert texts[0] == texts[1] == texts[2]
    assert "(:Person)-[:ACTED_IN {pay: INTEGER}]->(:Movie)  // 108" in texts[0]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", b"name,age\nAda,3\n", "a table of nodes needs a column id"),
        ("a.csv", b"id,name\n1,Ada,x\n", "row 2 has 3 values, the header 2"),
        ("a.json", b'{"nodes": [', "Expecting value"),
        ("a.jsonl", b'{"name": "x"}\n', "record 1 has neither id nor source and target"),
        ("a.json", b'[{"id": 1}, {"source": 1, "target": 2, "type": "T"}]', "leads to a node that is not there: 2"),
        ("a.json", b'[{"id": 1}, {"id": 1}]', "two of its nodes have the same id"),
        ("a.cypher", b"CREATE (:A {x: 1});\nCREATE (:B {;", "statement 2 (CREATE (:B {...)"),
        ("a.cypher", b"LOAD CSV FROM 'file:///etc/passwd' AS row CREATE (:A {x: row});", "it holds no node"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_fault(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    with pytest.raises(BadGraph) as bad:
        build_of(tmp_path, {name: data})
    assert said in bad.value.faults[name]


def test_words_in_strings_of_a_script_are_no_commands(tmp_path: Path) -> None:
    script = b"CREATE (:Movie {title: 'Call me; load csv'}); CREATE INDEX FOR (m:Movie) ON (m.title); CALL db.labels();"
    (tmp_path / "a.cypher").write_bytes(script)
    built = build([("a.cypher", tmp_path / "a.cypher")])
    assert [node.properties for node in built.graph.nodes] == [{"title": "Call me; load csv"}]
    assert built.left_out == ["a.cypher: CREATE INDEX FOR (m:Movie) ON (m.title)", "a.cypher: CALL db.labels()"]


def test_statements_end_at_semicolons_outside_of_strings_and_comments() -> None:
    assert split("CREATE (:A {x: 'a;b'}); // no; more\nCREATE (:B) /* ; */;\n") == [
        "CREATE (:A {x: 'a;b'})",
        "CREATE (:B)",
    ]


def test_options_say_what_a_query_may_use() -> None:
    limits = limits_of({"query_seconds": 1.5, "result_rows": 4, "query_rows": 9, "query_memory_mb": 2})
    assert (limits.seconds, limits.rows_kept, limits.rows_most, limits.query_bytes) == (1.5, 4, 9, 2 * 1024**2)


def test_a_reject_is_written_anew_with_what_was_wrong_and_is_executed(films: tuple[Graph, GraphPart]) -> None:
    part = films[1]
    turned = "MATCH (m:Movie)-[:ACTED_IN]->(p:Person) RETURN count(p) AS number"
    bad = only(asked(part, ("How many people act?", turned)))
    assert isinstance(bad, Dropped)
    assert bad.reason == "wrong_direction"
    reject = bad.model_copy(update={"attributes": bad.attributes | {"repaired_from": "7"}})
    good = "MATCH (p:Person)-[:ACTED_IN]->(m:Movie) RETURN count(DISTINCT p) AS number"
    model = Scripted(
        repair__cypher={"question": bad.question, "cypher": good},
        judge__cypher_back={"meaning": bad.question},
        judge__cypher=GOOD,
    )
    task = TASKS["text_to_cypher"]
    work = Work(
        task="text_to_cypher",
        context=context(part),
        options=task.options().model_dump() | {"query_seconds": 20},
        gates=task.gates,
        language="English",
        seed="0",
        model=model,
        models={},
    )
    row = only(asyncio.run(repair(work, (reject,))))
    assert isinstance(row, Sample), row
    assert (row.answer, row.attributes["repaired_from"], row.attributes["result"]["rows"]) == (good, "7", [[36]])
    assert "it leads the other way" in model.instructions("repair")[0]
