"""Stands between the generated clients and a server.

It holds every answer against the document (OpenAPI 3.0), and on a second address it plays the server of
tomorrow: objects have a member and enumerations have a value that the document of today does not know,
which is what CONTRIBUTING.md allows a later version to add.
"""

import http.client
import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}

# Lists of enumerations; where a single value is unknown, a client has nothing to go on but its type.
OPEN_LISTS = {"roles": "auditor", "mfa_methods": "passkey", "restrictions": "under_review"}


def of_tomorrow(value):
    """What a later server may answer where today's answers `value`."""
    if isinstance(value, list):
        return [of_tomorrow(one) for one in value]
    if not isinstance(value, dict):
        return value
    later = {name: of_tomorrow(member) for name, member in value.items()}
    for name, added in OPEN_LISTS.items():
        if name in later:
            later[name] = [*later[name], added]
    if "mfa_token" in later:
        later["methods"] = [*later["methods"], "passkey"]
    if later.get("error_code") == "not_found":
        later["error_code"] = "gone_for_good"
    if "features" in later:
        later["features"]["sso_of_tomorrow"] = True
    # The maps of entitlements have no members but the products' own.
    of_a_map = value and all(isinstance(member, (bool, dict)) for member in value.values())
    if not of_a_map:
        later["added_tomorrow"] = {"nested": [1]}
    return later


class Request:
    content_type = "application/json"
    body = None
    parameters = RequestParameters()

    def __init__(self, host_url, path, method):
        self.host_url, self.path, self.method = host_url, path, method.lower()


class Response:
    def __init__(self, status, headers, data):
        self.status_code, self.headers, self.data = status, headers, data
        self.content_type = headers.get("content-type", "")


class Relay:
    def __init__(self, document, upstream):
        self.openapi = OpenAPI.from_dict(document)
        self.upstream = urllib.parse.urlsplit(upstream)
        self.answers = 0
        self.violations = []
        self.operations = set()
        self.lock = threading.Lock()

    def judge(self, method, path, status, headers, data):
        problem = None
        request = Request("http://relay", path, method)
        try:
            response = Response(status, headers, data)
            # A 204 has no media type to look up.
            if status != 204:
                self.openapi.validate_response(request, response)
            elif data:
                raise ValueError("a 204 with a body")
        except Exception as error:  # whatever the validator has to say is a finding
            cause = error.__cause__ or error
            causes = getattr(cause, "schema_errors", None) or [cause]
            said = "; ".join(f"{getattr(one, 'json_path', '')} {getattr(one, 'message', one)}" for one in causes)
            problem = f"{method} {path}: {status}: {said}"
        with self.lock:
            self.answers += 1
            self.operations.add((method, status))
            if problem:
                self.violations.append(problem)

    def serve(self, tomorrow):
        """Starts to listen; answers the address."""
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self):
                length = int(self.headers.get("content-length", 0))
                body = self.rfile.read(length) if length else self.read_chunks()
                headers = {n: v for n, v in self.headers.items() if n.lower() not in HOP_BY_HOP}
                connection = http.client.HTTPConnection(relay.upstream.netloc, timeout=30)
                connection.request(self.command, self.path, body or None, headers)
                answer = connection.getresponse()
                data = answer.read()
                connection.close()
                said = {n.lower(): v for n, v in answer.getheaders()}
                relay.judge(self.command, self.path, answer.status, said, data)
                if tomorrow and data:
                    data = json.dumps(of_tomorrow(json.loads(data))).encode()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in HOP_BY_HOP:
                        self.send_header(name, value)
                if answer.status != 204:
                    self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def read_chunks(self):
                data = b""
                if "chunked" in self.headers.get("transfer-encoding", ""):
                    while size := int(self.rfile.readline(), 16):
                        data += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                return data

            do_GET = do_POST = do_DELETE = pass_on

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"
