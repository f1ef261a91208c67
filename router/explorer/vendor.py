"""Fetch the pinned query editor from the npm registry, verify it, and lay out the few files that the page needs.

`python router/explorer/vendor.py` fetches; with `--check` it stays offline and compares what is laid out with the sums
that were written when it was fetched. It needs neither Node nor a package: a tarball is a `.tgz` with a known SHA-512.

The files are kept compressed: browsers take them as they are, and the repository stays small. The sums are those of
the contents, because two versions of zlib may compress the same bytes differently.

The editor is laid out with the few changes in `CHANGES`, each of them looked for by its text: a version in which one of
them no longer fits is not written.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import re
import sys
import tarfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

NAME = "@graphql-hive/laboratory"
VERSION = "0.3.0"
INTEGRITY = "sha512-3xkPZy3eEoNW7bTtKs+Xr+Xh1NtqtQkyWUCqDIYyOtV9g6uuTJbtQc3XARpGUZRuVX4XxdPS0OM90+4Wbg5Nuw=="

# The tarball's name for a file, and ours. Left out: the builds for bundlers, the type declarations, and the TypeScript
# worker (12 MB), which only serves scripts that run before a request; our page does not offer them.
FILES = MappingProxyType(
    {
        "package/LICENSE": "LICENSE",
        "package/dist/hive-laboratory.umd.js": "laboratory.js.gz",
        "package/dist/monacoeditorwork/editor.worker.bundle.js": "editor.worker.js.gz",
        "package/dist/monacoeditorwork/graphql.worker.bundle.js": "graphql.worker.js.gz",
        "package/dist/monacoeditorwork/json.worker.bundle.js": "json.worker.js.gz",
    }
)


@dataclass(frozen=True, slots=True)
class Change:
    """Text of the published editor that is written otherwise, so many times and no more."""

    why: str
    before: str
    after: str
    times: int = 1
    file: str = "laboratory.js.gz"


# Of a schema's root fields, and of a type's, the builder shows as many at first, and as many more whenever it is asked to.
_ROWS = r"""
psaRows=e=>{let[t,n]=(0,x.useState)(50),{activeOperation:r}=h3(),i=(e.operation??r)?.query??``,
a=t=>[...e.path,t.name].join(`.`),
o=e.isSearchActive&&e.visiblePaths?e.fields.filter(t=>e.visiblePaths.has(a(t))):e.fields,
s=o.filter((n,r)=>r<t||i2(i,a(n),e.operationName));
return(0,O.jsxs)(O.Fragment,{children:[s.map(t=>(0,O.jsx)(p9,{...e,field:t,path:[...e.path,t.name]},t.name)),
s.length<o.length&&(0,O.jsx)(m3,{variant:`ghost`,size:`sm`,className:`w-full justify-start text-xs`,onClick:()=>n(t+200),
children:`Show more (${o.length-s.length})`},`…`)]})},p9=e=>{let t=Qd(e.field.type);"""
_READ = "function psaRead(e){if(psaRead.of!==e){psaRead.of=e;psaRead.is=void 0;try{psaRead.is=Hu(n2(e))}catch{}}return psaRead.is}"
_UNREADABLE = r"""try{Hu(ne.query)}catch(t){let n=l({headers:`{}`,operation:ne,preflightLogs:[],createdAt:new Date().toISOString(),
response:JSON.stringify({errors:[{message:t.message,locations:t.locations}]},null,2)});e.onAfterOperationRun?.(n);return}"""
_AT_ONCE = r"""onResponse:e=>{d(i.id,e)}}).then(e=>{if(!e)return;let{request:t,response:n,...r}=e.extensions??{};
d(i.id,JSON.stringify(e.toJSON?{errors:[e]}:{...e,extensions:Object.keys(r).length?r:void 0}))})"""
CHANGES = (
    Change(
        "a row of the builder read the whole operation again, and once more for each argument",
        r"function i2\(e,t,n\)\{if\(!e\|\|!t\)return!1;e=n2\(e\);let\[r,\.\.\.i\]=t\.split\(`\.`\),a;try\{a=Hu\(e\)\}catch\{\}",
        _READ + "function i2(e,t,n){if(!e||!t)return!1;let[r,...i]=t.split(`.`),a=psaRead(e);",
    ),
    Change(
        "the same",
        r"function ATt\(e,t,n,r\)\{if\(!e\|\|!t\)return!1;e=n2\(e\);let\[i,\.\.\.a\]=t\.split\(`\.`\),o;try\{o=Hu\(e\)\}catch\{\}",
        "function ATt(e,t,n,r){if(!e||!t)return!1;let[i,...a]=t.split(`.`),o=psaRead(e);",
    ),
    Change(
        "a component that draws a part of many rows",
        r"(?<=,)p9=e=>\{let t=Qd\(e\.field\.type\);",
        _ROWS.replace("\n", ""),
    ),
    Change(
        "the builder drew every field of the graph, a dozen elements each",
        r"(\w+)\??\.map\(t=>\(0,O\.jsx\)\(p9,\{field:t,path:\[([^\]]+),t\.name\],([^{}]*)\},t\.name\)\)",
        r"(0,O.jsx)(psaRows,{fields:\1,path:[\2],\3})",
        times=5,
    ),
    Change(
        "among the tabs of an answer stood a button, and what else is known of the answer",
        r"\(0,O\.jsxs\)\(o9,\{className:`(h-\[50px\] w-full items-center justify-start[^`]*)`",
        r"(0,O.jsxs)(`div`,{className:`text-muted-foreground flex \1`",
    ),
    Change(
        "so the list of tabs begins where they begin",
        r"(?=\(0,O\.jsx\)\(s9,\{value:`response`,className:`grow-0 rounded-sm`)",
        "(0,O.jsxs)(o9,{className:`rounded-none bg-transparent p-0`,children:[",
    ),
    Change(
        "and ends where they end",
        r"(\(0,O\.jsx\)\(s9,\{value:`query-plan`,className:`grow-0 rounded-sm`,children:`Query Plan`\}\))",
        r"\1]})",
    ),
    Change(
        "what can't be read was not sent, and nothing told why; what is deferred was asked for, and never shown",
        r"if\(f\)\{let i=l\(\{responses:\[\]",
        _UNREADABLE.replace("\n", "") + r"if(f||/@(defer|stream)\\b/.test(ne.query)){let i=l({responses:[]",
    ),
    Change(
        "a subscription that was refused at once said nothing",
        r"onResponse:e=>\{d\(i\.id,e\)\}\}\),e\.onAfterOperationRun",
        _AT_ONCE.replace("\n", "") + ",e.onAfterOperationRun",
    ),
    Change(
        "and not only subscriptions answer more than once",
        r"children:\[`Subscription`,",
        "children:[`Answers`,",
    ),
    Change(
        "the last line of each answer was cut off",
        r"20\.5\*n\.split\(`\n`\)\.length",
        r"20.5*n.split(`\\n`).length+24",
    ),
    Change(
        "of more than ten fields the hundredth was offered before the second",
        r"sortText: String\(index\) \+ field\.name,",
        'sortText: String(index).padStart(5, "0") + field.name,',
        file="graphql.worker.js.gz",
    ),
)

TARGET = Path(__file__).parent / "static" / "laboratory"
SUMS = TARGET / "SHA256SUMS"


def main(arguments: list[str]) -> int:
    """Fetch, or only check; say what was done."""
    match arguments:
        case []:
            return _say(_fetch())
        case ["--check"]:
            return _say(differences())
        case _:
            return _say(["usage: vendor.py [--check]"])


def differences() -> list[str]:
    """What is laid out otherwise than it was fetched; nothing when all is well."""
    lines = (line.split("  ", 1) for line in SUMS.read_text("utf-8").splitlines())
    promised = {name: digest for digest, name in lines}
    if set(promised) != set(FILES.values()):
        return [f"{SUMS.name} names other files than this script"]
    return [name for name, digest in promised.items() if _digest(TARGET / name) != digest]


def _fetch() -> list[str]:
    tarball = _download()
    digest = base64.b64encode(hashlib.sha512(tarball).digest()).decode("ascii")
    if f"sha512-{digest}" != INTEGRITY:
        return [f"{NAME} {VERSION} from the registry is not the one that is pinned; nothing was written"]
    TARGET.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        for source, name in FILES.items():
            _lay_out(archive, source, TARGET / name)
    sums = [f"{_digest(TARGET / name)}  {name}" for name in sorted(FILES.values())]
    SUMS.write_text("\n".join(sums) + "\n", "utf-8")
    return []


def _download() -> bytes:
    registry = os.environ.get("NPM_CONFIG_REGISTRY", "https://registry.npmjs.org").rstrip("/")
    url = f"{registry}/{NAME}/-/{NAME.rpartition('/')[2]}-{VERSION}.tgz"
    with urllib.request.urlopen(url, timeout=120) as answer:  # noqa: S310 - the registry is the operator's own setting
        body: bytes = answer.read()
    return body


def _lay_out(archive: tarfile.TarFile, source: str, target: Path) -> None:
    member = archive.extractfile(source)
    if member is None:
        raise FileNotFoundError(source)
    content = changed(member.read(), target.name)
    # No timestamp, so that the same file is the same bytes tomorrow.
    target.write_bytes(gzip.compress(content, compresslevel=9, mtime=0) if target.suffix == ".gz" else content)


def changed(content: bytes, file: str = "laboratory.js.gz") -> bytes:
    """A file of the editor with every change of it, each as often as it must fit."""
    text = content.decode()
    for change in (one for one in CHANGES if one.file == file):
        text, times = re.subn(change.before, change.after, text)
        if times != change.times:
            raise ValueError(f"{times} places instead of {change.times} for: {change.why}")
    return text.encode()


def _digest(file: Path) -> str:
    content = file.read_bytes() if file.exists() else b""
    return hashlib.sha256(gzip.decompress(content) if file.suffix == ".gz" and content else content).hexdigest()


def _say(problems: list[str]) -> int:
    for problem in problems or [f"{NAME} {VERSION}: as pinned"]:
        sys.stdout.write(problem + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
