"""Spider's and BIRD's fields: a question, its query, the database it is asked of, and the schema as it was shown."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    about = sample.attributes
    return {
        "db_id": about.get("database", ""),
        "question": sample.question,
        "query": sample.answer,
        "schema": about.get("schema", ""),
        "dialect": about.get("dialect", ""),
        "difficulty": about.get("level", ""),
    }


SQL_SPIDER = ExportFormat(
    summary="Spider and BIRD: question, query, db_id; with the schema that was shown, dialect and difficulty.",
    render=render,
    loads_with="text-to-SQL trainers and evaluators that read Spider or BIRD",
    shapes=frozenset({"chat"}),
    tasks=frozenset({"text_to_sql"}),
)
