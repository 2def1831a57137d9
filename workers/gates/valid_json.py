"""Does the answer meet the schema that the row shows?"""

import orjson

from app.domain import Sample
from app.toolbox.schemas import faults
from workers.gates import Measured
from workers.recipes.work import Work


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    try:
        found = faults(row.attributes["schema"], orjson.loads(row.answer))
    except orjson.JSONDecodeError:
        found = ["it is not JSON"]
    return {"valid_json": (0.0 if found else 1.0, "; ".join(found[:5]) or "it meets the schema")}
