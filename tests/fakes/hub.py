"""A stand-in for a Hugging Face hub: dataset repositories over the hub's HTTP API, with Git LFS, in memory."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlparse

import yaml

Json = dict[str, Any]
TOKEN = "hf_stand_in_secret"


@dataclass
class Repo:
    """Files of each commit by path; `lfs` are the paths whose bytes came as LFS objects."""

    private: bool
    commits: list[tuple[str, str, dict[str, bytes]]] = field(default_factory=list)
    lfs: set[str] = field(default_factory=set)

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[-1][2]

    @property
    def sha(self) -> str:
        return self.commits[-1][0]

    def commit(self, message: str, files: dict[str, bytes]) -> str:
        oid = hashlib.sha1(f"{len(self.commits)}{message}".encode()).hexdigest()
        self.commits.append((oid, message, files))
        return oid


class Hub:
    """`with Hub() as hub:`; `hub.url` is an endpoint, `hub.repos` what was pushed, `hub.calls` what was asked."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.objects: dict[str, bytes] = {}
        self.calls: list[tuple[str, str]] = []
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class Refused(Exception):
    """A reply that is an error, with the hub's own code for it."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.code = status, code


def _git_oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing: tests look at `hub.calls`."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = unquote(urlparse(self.path).path)
        self.hub.calls.append((self.command, path))
        try:
            if self.headers.get("authorization") != f"Bearer {TOKEN}" and not path.startswith("/objects/"):
                raise Refused(401, "Invalid username or password.")
            for method, pattern, answer in _ROUTES:
                if method == self.command and (found := re.fullmatch(pattern, path)):
                    return answer(self, body, *found.groups())
            raise Refused(404, f"{self.command} {path} is not a route of the stand-in")
        except Refused as refused:
            self._reply({"error": str(refused)}, refused.status, {"X-Error-Code": refused.code} if refused.code else {})

    do_GET = do_HEAD = do_POST = do_PUT = _serve  # noqa: N815

    def _reply(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        told = {"Content-Type": "application/json", "Content-Length": str(len(data))} | (headers or {})
        for name, text in told.items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _repo(self, name: str) -> Repo:
        if name not in self.hub.repos:
            raise Refused(404, "Repository not found", "RepoNotFound")
        return self.hub.repos[name]

    def create(self, body: bytes) -> None:
        asked = json.loads(body)
        name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
        if asked.get("type") != "dataset":
            raise Refused(400, "only datasets here")
        told = {"url": f"{self.hub.url}/datasets/{name}", "id": name}
        if name in self.hub.repos:
            return self._reply(told | {"error": "You already created this dataset repo"}, 409)
        self.hub.repos[name] = repo = Repo(asked.get("private") or asked.get("visibility") == "private")
        repo.commit("initial commit", {".gitattributes": b"*.parquet filter=lfs\n"})
        return self._reply(told)

    def validate(self, body: bytes) -> None:
        """The rules of the hub's cards that matter here."""
        content = json.loads(body)["content"]
        found = re.match(r"---\n(.*?\n)---\n", content, re.S)
        told = yaml.safe_load(found[1]) if found else {}
        errors = [f"{name} is needed" for name in ("license", "configs", "pretty_name") if name not in told]
        if told.get("license") == "other" and "license_name" not in told:
            errors.append("license_name is needed")
        self._reply({"errors": [{"message": error} for error in errors], "warnings": []}, 400 if errors else 200)

    def preupload(self, body: bytes, name: str, revision: str) -> None:
        files = self._repo(name).files
        told = []
        for file in json.loads(body)["files"]:
            large = file["path"].endswith((".parquet", ".gz")) or file["size"] > 10 * 1024**2
            known = files.get(file["path"])
            oid = None if known is None else hashlib.sha256(known).hexdigest() if large else _git_oid(known)
            mode = "lfs" if large else "regular"
            told.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        self._reply({"files": told})

    def batch(self, body: bytes, name: str) -> None:
        self._repo(name)
        objects = []
        for wanted in json.loads(body)["objects"]:
            upload = {"href": f"{self.hub.url}/objects/{wanted['oid']}", "header": {}}
            verify = {"href": f"{self.hub.url}/verify"}
            there = wanted["oid"] in self.hub.objects
            objects.append(wanted | ({} if there else {"actions": {"upload": upload, "verify": verify}}))
        self._reply({"transfer": "basic", "objects": objects})

    def put(self, body: bytes, oid: str) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            raise Refused(400, "the bytes are not those of their name")
        self.hub.objects[oid] = body
        self._reply({})

    def verify(self, body: bytes) -> None:
        asked = json.loads(body)
        if len(self.hub.objects.get(asked["oid"], b"")) != asked["size"]:
            raise Refused(404, "no such object")
        self._reply({})

    def commit(self, body: bytes, name: str, revision: str) -> None:
        repo = self._repo(name)
        files, message = dict(repo.files), ""
        for line in body.splitlines():
            asked = json.loads(line)
            value = asked["value"]
            if asked["key"] == "header":
                message = value["summary"]
            elif asked["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif asked["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
                repo.lfs.add(value["path"])
            elif asked["key"] == "deletedFile":
                del files[value["path"]]
        oid = repo.commit(message, files)
        url = f"{self.hub.url}/datasets/{name}/commit/{oid}"
        self._reply({"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""})

    def info(self, body: bytes, name: str, revision: str | None = None) -> None:
        repo = self._repo(name)
        if revision not in (None, "main", repo.sha):
            raise Refused(404, "Invalid rev id", "RevisionNotFound")
        siblings = [{"rfilename": path} for path in sorted(repo.files)]
        told = {"_id": "1", "id": name, "sha": repo.sha, "private": repo.private, "siblings": siblings}
        self._reply(told | {"tags": [], "downloads": 0, "likes": 0, "gated": False, "disabled": False})

    def _entry(self, repo: Repo, path: str) -> Json:
        data = repo.files[path]
        told: Json = {"type": "file", "path": path, "size": len(data), "oid": _git_oid(data)}
        if path in repo.lfs:
            told["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        return told

    def tree(self, body: bytes, name: str, revision: str, below: str | None) -> None:
        """All files below a folder, and the folders themselves, whether asked for recursively or not."""
        repo, prefix = self._repo(name), f"{below}/" if below else ""
        paths = [path for path in sorted(repo.files) if path.startswith(prefix)]
        if below and not paths:
            raise Refused(404, "no such folder", "EntryNotFound")
        deep = "recursive=true" in self.path.lower()
        folders = {prefix + path[len(prefix) :].split("/")[0] for path in paths if "/" in path[len(prefix) :]}
        if deep:
            folders = {path.rsplit("/", i)[0] for path in paths for i in range(1, path.count("/") + 1)} - {below or ""}
        else:
            paths = [path for path in paths if "/" not in path[len(prefix) :]]
        told = [{"type": "directory", "path": folder, "oid": "0" * 40} for folder in sorted(folders)]
        self._reply([*told, *(self._entry(repo, path) for path in paths)])

    def paths(self, body: bytes, name: str, revision: str) -> None:
        repo = self._repo(name)
        asked = json.loads(body)["paths"]
        found = [self._entry(repo, path) for path in asked if path in repo.files]
        folders = [path for path in asked if any(file.startswith(f"{path}/") for file in repo.files)]
        self._reply([*found, *({"type": "directory", "path": path, "oid": "0" * 40} for path in folders)])

    def resolve(self, body: bytes, name: str, revision: str, path: str) -> None:
        repo = self._repo(name)
        if path not in repo.files:
            raise Refused(404, "Entry not found", "EntryNotFound")
        data = repo.files[path]
        headers = {"X-Repo-Commit": repo.sha, "ETag": f'"{_git_oid(data)}"', "Content-Type": "application/octet-stream"}
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range") or "")
        if span:
            start, end = int(span[1]), int(span[2] or len(data) - 1) + 1
            headers["Content-Range"] = f"bytes {start}-{min(end, len(data)) - 1}/{len(data)}"
            self._reply(data[start:end], 206, headers)
        else:
            self._reply(data, 200, headers)


_NAME = r"([^/]+/[^/]+?)"
_ROUTES: list[tuple[str, str, Callable[..., None]]] = [
    ("POST", r"/api/repos/create", _Handler.create),
    ("POST", r"/api/validate-yaml", _Handler.validate),
    ("POST", rf"/api/datasets/{_NAME}/preupload/([^/]+)", _Handler.preupload),
    ("POST", rf"/datasets/{_NAME}\.git/info/lfs/objects/batch", _Handler.batch),
    ("PUT", r"/objects/([0-9a-f]{64})", _Handler.put),
    ("POST", r"/verify", _Handler.verify),
    ("POST", rf"/api/datasets/{_NAME}/commit/([^/]+)", _Handler.commit),
    ("GET", rf"/api/datasets/{_NAME}", _Handler.info),
    ("GET", rf"/api/datasets/{_NAME}/revision/([^/]+)", _Handler.info),
    ("GET", rf"/api/datasets/{_NAME}/tree/([^/]+)(?:/(.+))?", _Handler.tree),
    ("POST", rf"/api/datasets/{_NAME}/paths-info/([^/]+)", _Handler.paths),
    ("GET", rf"/datasets/{_NAME}/resolve/([^/]+)/(.+)", _Handler.resolve),
    ("HEAD", rf"/datasets/{_NAME}/resolve/([^/]+)/(.+)", _Handler.resolve),
]
