"""Generates a client with each of other people's tools, compiles it and lets it live a user's life.

    run.py SERVER WORK NODE_MODULES

SERVER is the built `bp-auth`, WORK a directory for what is generated, NODE_MODULES where npm has installed
`package.json`. One row per tool is printed; the run fails when a row that is promised fails
(docs/generators.md names the same versions and settings).
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version

from relay import Relay

HERE = pathlib.Path(__file__).resolve().parent
DOCUMENT = HERE.parents[1] / "openapi-snapshot.json"
BIN = pathlib.Path(sys.executable).parent
SERVER, WORK, NODE_MODULES = (pathlib.Path(given).resolve() for given in sys.argv[1:4])


class Failed(Exception):
    pass


def run(*command, cwd=WORK, env=None, seconds=600):
    """Runs a program to its end; what it printed is shown only where it failed."""
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds,
    )
    if done.returncode:
        lines = done.stdout.strip().splitlines()
        raise Failed("\n".join(lines[-25:]) or f"{command[0]} ended with {done.returncode}")


def openapi_generator(generator, into, tool):
    run(BIN / "openapi-generator-cli", "generate", "-i", tool.document(), "-g", generator, "-o", into,
        f"--additional-properties={tool.settings}")


def with_open_enums():
    """The document with its enumerations of strings opened, for tools that know no unknown value."""
    def opened(node):
        if isinstance(node, dict):
            closed = node.get("type") == "string" and "enum" in node
            return {name: opened(member) for name, member in node.items() if not (closed and name == "enum")}
        return [opened(one) for one in node] if isinstance(node, list) else node

    file = WORK / "open-enums.json"
    file.write_text(json.dumps(opened(json.loads(DOCUMENT.read_text()))))
    return file


class Tool:
    settings = ""
    has_journey = True
    open_enums = False

    def document(self):
        return with_open_enums() if self.open_enums else DOCUMENT

    def describe(self):
        words = self.settings.split(",") if self.settings else []
        return ", ".join(words + ["open enumerations"] * self.open_enums) or "-"

    def prepare(self):
        self.home = WORK / self.name.replace(" ", "-").replace("@", "").replace("/", "-").replace("(", "").replace(")", "")
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)


class TypeScript(Tool):
    def __init__(self, name, package, program, settings):
        self.name, self.package, self.program, self.settings = name, package, program, settings

    def version(self):
        if self.package is None:
            return version("openapi-generator-cli")
        return " + ".join(json.loads((NODE_MODULES / one / "package.json").read_text())["version"] for one in self.package)

    def generate(self):
        bin_ = NODE_MODULES / ".bin"
        out = self.home / "generated"
        if self.program == "openapi-fetch":
            run(bin_ / "openapi-typescript", DOCUMENT, "-o", out / "openapi-typescript.d.ts")
        elif self.program == "hey-api":
            run(bin_ / "openapi-ts", "-i", DOCUMENT, "-o", out / "hey-api", cwd=self.home)
        else:
            openapi_generator("typescript-fetch", out / "typescript-fetch", self)

    def compile(self):
        for file in ("journey.ts", f"{self.program}.ts", "tsconfig.json"):
            shutil.copy(HERE / "typescript" / file, self.home)
        (self.home / "package.json").write_text('{"private": true}')
        (self.home / "node_modules").symlink_to(NODE_MODULES)
        run(NODE_MODULES / ".bin" / "tsc", "-p", ".", cwd=self.home)

    def journey(self, env):
        run("node", f"{self.program}.js", cwd=self.home, env=env)


class Python(Tool):
    open_enums = True

    def __init__(self, name, package, program, settings):
        self.name, self.package, self.program, self.settings = name, package, program, settings

    def version(self):
        return version(self.package)

    def generate(self):
        if self.program == "openapi_python_client":
            run(BIN / "openapi-python-client", "generate", "--path", self.document(), "--meta", "none",
                "--output-path", self.home / "bp_auth_client", env={"PATH": f"{BIN}:{os.environ['PATH']}"})
        else:
            openapi_generator("python", self.home, self)

    def compile(self):
        for file in ("journey.py", f"{self.program}.py"):
            shutil.copy(HERE / "python" / file, self.home)
        run(BIN / "python", "-m", "compileall", "-q", self.home)

    def journey(self, env):
        run(BIN / "python", f"{self.program}.py", cwd=self.home, env=env)


class Go(Tool):
    name = "openapi-generator go"
    settings = "packageName=bpauth,withGoMod=false,disallowAdditionalPropertiesIfNotPresent=false,enumUnknownDefaultCase=true"
    env = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOWORK": "off"}

    def version(self):
        return version("openapi-generator-cli")

    def generate(self):
        openapi_generator("go", self.home / "bpauth", self)

    def compile(self):
        # The one module that generated code needs, as Debian ships it: without a go.mod.
        shutil.copytree("/usr/share/gocode/src/gopkg.in/validator.v2", self.home / "validator")
        (self.home / "validator/go.mod").write_text("module gopkg.in/validator.v2\n")
        (self.home / "go.mod").write_text(
            "module journey\n\ngo 1.23\n\nrequire gopkg.in/validator.v2 v2.0.1\n"
            "replace gopkg.in/validator.v2 => ./validator\n")
        # Its tests want a library of their own.
        shutil.rmtree(self.home / "bpauth/test", ignore_errors=True)
        shutil.copy(HERE / "go/main.go", self.home)
        run(BIN / "go", "vet", "./...", cwd=self.home, env=self.env)
        run(BIN / "go", "build", "-o", "journey", ".", cwd=self.home, env=self.env)

    def journey(self, env):
        run(self.home / "journey", env=env)


class Java(Tool):
    name = "openapi-generator java (native)"
    open_enums = True
    settings = "library=native,openApiNullable=false,disallowAdditionalPropertiesIfNotPresent=false"

    def version(self):
        return version("openapi-generator-cli")

    def generate(self):
        openapi_generator("java", self.home, self)

    def compile(self):
        # Jackson comes with the generator itself, the annotations and httpmime from Debian.
        import openapi_generator_cli
        jar = pathlib.Path(openapi_generator_cli.__file__).parent / "openapi-generator.jar"
        debian = [f"/usr/share/java/{one}.jar" for one in ("geronimo-annotation-1.3-spec", "jsr305", "httpmime")]
        self.classpath = ":".join([str(jar), *debian, f"{self.home}/classes"])
        sources = [str(file) for file in (self.home / "src/main").rglob("*.java")]
        run("javac", "-nowarn", "-d", self.home / "classes", "-cp", self.classpath, *sources, HERE / "java/Journey.java")

    def journey(self, env):
        run("java", "-cp", self.classpath, "Journey", env=env)


class Kotlin(Tool):
    """The models alone: what sends them needs OkHttp 4, and no registry that is used here has it."""

    name = "openapi-generator kotlin (models)"
    settings = "serializationLibrary=gson,generateOneOfAnyOfWrappers=true,enumUnknownDefaultCase=true"
    has_journey = False

    def version(self):
        return version("openapi-generator-cli")

    def generate(self):
        openapi_generator("kotlin", self.home, self)

    def compile(self):
        run("bash", NODE_MODULES / "kotlin-compiler/bin/kotlinc", "-nowarn", "-d", self.home / "classes",
            "-cp", "/usr/share/java/gson.jar", self.home / "src/main/kotlin/org/openapitools/client/models")


TOOLS = [
    TypeScript("openapi-typescript + openapi-fetch", ["openapi-typescript", "openapi-fetch"], "openapi-fetch", ""),
    TypeScript("@hey-api/openapi-ts", ["@hey-api/openapi-ts"], "hey-api", ""),
    TypeScript("openapi-generator typescript-fetch", None, "typescript-fetch",
               "modelPropertyNaming=original,paramNaming=original,disallowAdditionalPropertiesIfNotPresent=false"),
    Python("openapi-python-client", "openapi-python-client", "openapi_python_client", ""),
    Python("openapi-generator python", "openapi-generator-cli", "openapi_generator", "packageName=bp_auth_client"),
    Go(),
    Java(),
    Kotlin(),
]


def serve():
    """Starts a new server; limits of people do not stop a dozen machines that share an address."""
    data = WORK / "data"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    out = open(WORK / "server.out", "w+")
    settings = ["limits.register_per_minute=1000", "limits.refresh_per_minute=1000", "limits.sms_network_per_hour=1000"]
    server = subprocess.Popen(
        [SERVER, "--data-dir", data, "--bind", "127.0.0.1:0", *(f"--set={one}" for one in settings)],
        cwd=WORK, stdout=out, stderr=open(WORK / "server.err", "w"))
    for _ in range(200):
        found = re.search(r"listening on (\S+)", (WORK / "server.out").read_text())
        if found:
            return server, found[1]
        if server.poll() is not None:
            break
        time.sleep(0.1)
    server.kill()
    raise SystemExit((WORK / "server.err").read_text())


def main():
    # So that a stopped run leaves no server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    WORK.mkdir(parents=True, exist_ok=True)
    chosen = [tool for tool in TOOLS if not sys.argv[4:] or any(word in tool.name for word in sys.argv[4:])]
    server, url = serve()
    try:
        relay = Relay(json.loads(DOCUMENT.read_text()), url)
        addresses = {"journey": relay.serve(False), "tomorrow": relay.serve(True)}
        rows = [live(number, tool, addresses) for number, tool in enumerate(chosen)]
    finally:
        server.terminate()
        server.wait(60)
    print("\n| tool | version | settings | compiles | journey | unknown fields and values |")
    print("| --- | --- | --- | --- | --- | --- |")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(f"\n{relay.answers} answers held against the document as OpenAPI 3.0: {len(relay.violations)} violate it")
    for violation in sorted(set(relay.violations)):
        print(f"  {violation}")
    documented = (HERE.parents[1] / "docs/generators.md").read_text()
    missing = [tool.name for tool in chosen
               if tool.version() not in documented or tool.settings and f"`{tool.settings}`" not in documented]
    for name in missing:
        print(f"docs/generators.md names another version or other settings of {name}")
    failed = sum("FAILED" in row for row in rows)
    problems = failed + bool(relay.violations) + len(missing)
    print(f"{len(rows) - failed} passed, {problems} failed")
    return bool(problems)


def live(number, tool, addresses):
    verdicts = []
    stages = [lambda: (tool.prepare(), tool.generate(), tool.compile())]
    for later, address in enumerate(addresses.values()):
        row = 2 * number + later
        stages.append(lambda address=address, row=row: tool.journey({
            "JOURNEY_URL": address, "JOURNEY_EMAIL": f"ada{row}@example.com", "JOURNEY_PHONE": f"+4915112345{600 + row}",
        }))
    for stage in stages:
        if verdicts and not (tool.has_journey and verdicts[0] == "yes"):
            verdicts.append("-")
            continue
        try:
            stage()
            verdicts.append("yes")
        except (Failed, subprocess.TimeoutExpired) as error:
            print(f"{tool.name}: {error}", file=sys.stderr)
            verdicts.append("FAILED")
    print(f"{tool.name}: {', '.join(verdicts)}", flush=True)
    return [tool.name, tool.version(), tool.describe(), *verdicts]


if __name__ == "__main__":
    sys.exit(main())
