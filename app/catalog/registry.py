"""A folder is a registry: each module in it holds exactly one entry, named after its file."""

from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from pkgutil import iter_modules
from typing import Generic, TypeVar

from app.errors import UnknownCatalogEntry

Entry = TypeVar("Entry")


class Registry(Generic[Entry]):
    """The entries of `kind` in `package`, by file name. Adding a file is all it takes to add one."""

    def __init__(self, kind: type[Entry], package: str) -> None:
        self.kind, self.package = kind, package

    @cached_property
    def entries(self) -> dict[str, Entry]:
        package = import_module(self.package)
        return {name: self._only_entry(name) for name in sorted(m.name for m in iter_modules(package.__path__))}

    def _only_entry(self, name: str) -> Entry:
        values = vars(import_module(f"{self.package}.{name}")).values()
        found = [value for value in values if isinstance(value, self.kind)]
        if len(found) != 1:
            raise TypeError(f"{self.package}.{name} must hold exactly one {self.kind.__name__}, found {len(found)}")
        return found[0]

    def get(self, name: str, param: str) -> Entry:
        """The entry called `name`. Raises UnknownCatalogEntry, which names the field at fault and what is allowed."""
        if name not in self.entries:
            allowed = ", ".join(self.entries)
            message = f"{param}: {name!r} is not known; allowed: {allowed}"
            raise UnknownCatalogEntry(message, param=param, fields=[("/" + param.replace(".", "/"), message)])
        return self.entries[name]

    def __getitem__(self, name: str) -> Entry:
        return self.entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)
