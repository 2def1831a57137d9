"""Words of text-to-Cypher that options, planner and recipe share: what is asked about, and the ways rows are made."""

from typing import Literal, get_args

Category = Literal["lookup", "condition", "relation", "multi_hop", "aggregate", "top", "absence", "path"]
Way = Literal["model", "template", "reverse"]

CATEGORY_NAMES: tuple[Category, ...] = get_args(Category)
WAYS: tuple[Way, ...] = get_args(Way)

# What the model is told of each category.
CATEGORIES: dict[Category, str] = {
    "lookup": "a fact of one thing or of a few things, found by a value",
    "condition": "things that meet one or two conditions on their properties",
    "relation": "what one thing is related to, over one relationship and in its direction",
    "multi_hop": "what is found over two or three relationships, one after the other",
    "aggregate": "a number: a count, an average, a sum, or one for each group",
    "top": "the most or the fewest: ORDER BY with LIMIT, ties broken by a further property",
    "absence": "what has no such relationship, or lacks a property",
    "path": "how two things are connected, or what is reached within some steps",
}
