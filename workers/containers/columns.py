"""What types JSON values have, over many rows: one type for every place, whatever rows come first."""

from collections.abc import Set
from typing import Any, Literal

Kind = Literal["null", "bool", "int", "float", "text", "list", "object", "json"]

_INT64 = 2**63
_MOST_MEMBERS = 64  # an object with more different members than this is a map, not a record


class Seen:
    """What stood at one place. `members` are those of its objects, `items` what its lists hold."""

    __slots__ = ("_kinds", "_met", "_objects", "items", "members")

    def __init__(self) -> None:
        self._kinds: set[Kind] = set()
        self.members: dict[str, Seen] = {}
        self.items: Seen | None = None
        self._objects = 0
        self._met: dict[str, int] = {}

    def see(self, value: Any, json_members: Set[str], free: bool = False) -> None:
        """One more value. Below a `free` place objects may have any keys, so what they hold is not looked at."""
        kind = _KINDS[type(value)]
        if kind == "int" and not -_INT64 <= value < _INT64:
            kind = "json"
        self._kinds.add(kind)
        if kind in ("list", "object") and free:
            self._kinds.add("json")
        elif kind == "list":
            self.items = self.items or Seen()
            for item in value:
                self.items.see(item, json_members)
        elif kind == "object":
            self._objects += 1
            for name, member in value.items():
                if name not in self.members:
                    if len(self.members) > _MOST_MEMBERS:
                        break
                    self.members[name] = Seen()
                self.members[name].see(member, json_members, name in json_members)
                self._met[name] = self._met.get(name, 0) + 1

    @property
    def kind(self) -> Kind:
        """The one type that holds all that was seen; `json` where there is none, or where objects are maps."""
        kinds = self._kinds - {"null"}
        if not kinds:
            return "null"
        if kinds == {"int", "float"}:
            return "float"
        if len(kinds) > 1 or (kinds == {"object"} and not self._is_record()):
            return "json"
        return next(iter(kinds))

    def _is_record(self) -> bool:
        """Records have a member that all of them have; maps, or objects without members, need not."""
        return len(self.members) <= _MOST_MEMBERS and self._objects in self._met.values()

    @property
    def plain(self) -> bool:
        """Is there no place below that is held as JSON text?"""
        kind = self.kind
        if kind == "list":
            return self.items is None or self.items.plain
        return kind != "json" and (kind != "object" or all(member.plain for member in self.members.values()))


_KINDS: dict[type, Kind] = {
    type(None): "null",
    bool: "bool",
    int: "int",
    float: "float",
    str: "text",
    list: "list",
    dict: "object",
}
