"""Croissant 1.1 metadata (https://docs.mlcommons.org/croissant/): the files, and the fields of a row in each split.

A list of objects is an array with a sub-field for each of their members that is text or a number. What Croissant has no
type for (objects with any members, deeper lists) is text where the container holds it as JSON text, and is else left
out.
"""

import json
from collections.abc import Iterator
from typing import Any

from workers.bundles import licence
from workers.bundles.facts import Facts
from workers.containers.columns import Seen

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
_ENCODING = {"json": "application/jsonlines", "parquet": "application/x-parquet", "csv": "text/csv"}
_TYPES = {"text": "sc:Text", "null": "sc:Text", "int": "cr:Int64", "float": "cr:Float64", "bool": "sc:Boolean"}
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def metadata(facts: Facts, description: str) -> str:
    """JSON-LD, the bytes of `croissant.json`."""
    spdx, author = facts.asked["license"], facts.asked["author"]
    model = facts.manifest["model"]
    told: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": facts.slug,
        "alternateName": facts.title,
        "description": description,
        "license": licence.link(spdx) if spdx else "unknown",
        "creator": {"@type": "sc:Organization", "name": author or "unknown"},
        "datePublished": facts.date,
        "version": "1.0.0",
        "citeAs": f"{author or 'unknown'} ({facts.date[:4]}): {facts.title}. Made with {facts.manifest['created_by']}.",
        "inLanguage": facts.languages,
        "keywords": ["synthetic", facts.task, facts.format],
        "isLiveDataset": False,
        "rai:dataCollection": f"Written by the model {model}, and checked; see provenance/manifest.json.",
        "rai:dataCollectionType": "Synthetic",
        "distribution": [_file(facts, split) for split in facts.splits],
        "recordSet": [_record_set(facts, split) for split in facts.splits],
    }
    if facts.asked["url"]:
        told["url"] = facts.asked["url"]
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def _file(facts: Facts, name: str) -> dict[str, Any]:
    split = facts.splits[name]
    return {
        "@type": "cr:FileObject",
        "@id": f"{name}-file",
        "name": split.path.rpartition("/")[2],
        "description": f"{split.file['rows']} rows",
        "contentUrl": split.path,
        "contentSize": f"{split.file['bytes']} B",
        "encodingFormat": _ENCODING[facts.container.builder],
        "sha256": split.file["sha256"],
    }


def _record_set(facts: Facts, name: str) -> dict[str, Any]:
    fields = [
        field
        for column, seen in facts.columns.items()
        for field in _field(f"{name}/{column}", column, seen, name, column, (), facts.container.builder)
    ]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "field": fields}


def _field(
    place: str, name: str, seen: Seen, split: str, column: str, path: tuple[str, ...], builder: str
) -> Iterator[dict[str, Any]]:
    """The field of this place, if Croissant has one for it. `path`: the members on the way from the column to it."""
    field: dict[str, Any] = {"@type": "cr:Field", "@id": place, "name": name}
    kind, items = seen.kind, seen.items
    source: dict[str, Any] = {"fileObject": {"@id": f"{split}-file"}, "extract": {"column": column}}
    if path:
        source["transform"] = [{"jsonPath": member} for member in path]
    if builder == "csv" and kind not in _TYPES:
        yield field | {"dataType": "sc:Text", "description": "JSON", "source": source}
    elif kind in _TYPES:
        yield field | {"dataType": _TYPES[kind], "source": source}
    elif kind == "json" and builder == "parquet":
        yield field | {"dataType": "sc:Text", "description": "JSON", "source": source}
    elif kind == "list" and items and items.kind in _TYPES:
        yield field | {"isArray": True, "arrayShape": "-1", "dataType": _TYPES[items.kind], "source": source}
    elif kind in ("list", "object"):
        record = items if kind == "list" else seen
        if record and record.kind == "object":
            members = record.members.items()
            inner = [
                found
                for member, below in members
                if kind == "object" or below.kind in _TYPES
                for found in _field(f"{place}/{member}", member, below, split, column, (*path, member), builder)
            ]
            if inner:
                shape = {"isArray": True, "arrayShape": "-1"} if kind == "list" else {}
                yield field | shape | {"subField": inner}
