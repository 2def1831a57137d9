"""Under which licence the rows are given: only their author can say so, and what was not said is not made up."""

from workers.bundles.facts import Facts

# The identifiers of the hub's cards that are SPDX identifiers in lower case; others are called `other`, with a link.
_ON_CARDS = {
    *("apache-2.0", "mit", "mpl-2.0", "bsd-2-clause", "bsd-3-clause", "gpl-3.0", "lgpl-3.0", "agpl-3.0", "unlicense"),
    *("cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nd-4.0"),
    *("cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0"),
    *("cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0"),
    *("cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "odc-by", "pddl"),
}


def link(spdx: str) -> str:
    return f"https://spdx.org/licenses/{spdx}.html"


def on_card(spdx: str | None) -> dict[str, str]:
    """The members of a card's front matter."""
    if not spdx:
        return {"license": "unknown"}
    if spdx.lower() in _ON_CARDS:
        return {"license": spdx.lower()}
    return {"license": "other", "license_name": spdx.lower(), "license_link": link(spdx)}


def text(facts: Facts) -> str:
    """The bundle's LICENSE."""
    spdx, author = facts.asked["license"], facts.asked["author"]
    lines = [facts.title, ""]
    if spdx:
        lines += [f"SPDX-License-Identifier: {spdx}", f"The full text: {link(spdx)}", ""]
    else:
        lines += ["No licence was stated when this bundle was made. Without one, nobody but its author may use it.", ""]
    if author:
        lines += [f"Author: {author}", ""]
    lines += [
        "The rows quote and restate the documents that provenance/documents.jsonl lists; the terms of those documents",
        "still hold. Questions and answers were written by the model that provenance/manifest.json names; its licence",
        "may restrict what they are used for.",
        "",
    ]
    return "\n".join(lines)
