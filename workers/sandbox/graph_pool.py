"""Warm graph databases of this process, one for each graph and its limits, asked without blocking the event loop."""

import asyncio
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from app import storage
from workers.sandbox.graph import Graph, GraphLimits, GraphResult, GraphSandbox

MOST = 3  # warm at once; each is a server with its graph in memory


class _Place:
    """A sandbox and the one thread that reads its graph, starts it and asks it."""

    def __init__(self, image: str, limits: GraphLimits) -> None:
        self.image, self.limits = image, limits
        self.sandbox: GraphSandbox | None = None
        self.thread = ThreadPoolExecutor(1, "cypher")

    def run(self, cypher: str) -> GraphResult:
        if self.sandbox is None:
            with storage.storage().local(self.image) as path:
                graph = Graph.model_validate_json(path.read_bytes())
            self.sandbox = GraphSandbox(graph, self.limits)
        return self.sandbox.run(cypher)

    def close(self) -> None:
        """End it once it has answered what it was asked."""
        self.thread.submit(self._end)
        self.thread.shutdown(wait=True)

    def _end(self) -> None:
        if self.sandbox is not None:
            self.sandbox.close()


class GraphPool:
    """Keeps the sandboxes that were used last. Safe for threads."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._warm: OrderedDict[tuple[str, str], _Place] = OrderedDict()
        self._lock = threading.Lock()

    async def run(self, image: str, cypher: str, limits: GraphLimits) -> GraphResult:
        """Run `cypher` over the stored graph `image`, as GraphSandbox.run does; it raises what that raises."""
        with self._lock:  # until it is asked, or it could be closed in between
            key = (image, limits.model_dump_json())
            place = self._warm.pop(key, None) or _Place(image, limits)
            self._warm[key] = place
            ended = [self._warm.popitem(last=False)[1] for _ in range(len(self._warm) - self._most)]
            asked = place.thread.submit(place.run, cypher)
        for one in ended:
            one.thread.submit(one._end)
            one.thread.shutdown(wait=False)
        return await asyncio.wrap_future(asked)

    def close(self) -> None:
        """End all of them; each starts anew when it is asked again."""
        with self._lock:
            for place in self._warm.values():
                place.close()
            self._warm.clear()


GRAPHS = GraphPool()
