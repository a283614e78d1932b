"""A real SMTP server (aiosmtpd) that can be told to misbehave.

Arguments: starttls|implicit|none CERTIFICATE KEY. It asks for the user bp-auth and the password hunter2.
The first line of its output is its port. Every further line is a JSON object: what a client did.
Lines of its input are orders: accept, 451, 550, drop (before the answer), swallow (takes the mail and
drops the answer), stall.
"""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

mode = "accept"
connections = 0


def tell(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


def authenticate(server, session, envelope, mechanism, data):
    right = (data.login, data.password) == (b"bp-auth", b"hunter2")
    tell("auth", right=right, encrypted=encrypted(server))
    return AuthResult(success=right, handled=False)


def encrypted(server):
    return server.transport.get_extra_info("ssl_object") is not None


class Handler:
    def __init__(self):
        global connections
        connections += 1
        self.connection = connections

    async def handle_RCPT(self, server, session, envelope, address, options):
        if mode in ("451", "550"):
            tell("refused", to=address, mode=mode)
            # As many servers do, it repeats the address.
            return f"{mode} {mode[0]}.1.1 <{address}> is not taken"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if mode == "stall":
            tell("stalled", to=envelope.rcpt_tos[0])
            await asyncio.sleep(3600)
        if mode == "drop":
            tell("dropped", to=envelope.rcpt_tos[0])
            server.transport.abort()
            return "451 gone"
        tell(
            "mail",
            sender=envelope.mail_from,
            to=envelope.rcpt_tos,
            text=envelope.content.decode("utf-8"),
            encrypted=encrypted(server),
            authenticated=session.authenticated,
            connection=self.connection,
        )
        if mode == "swallow":
            server.transport.abort()
        return "250 OK"


async def orders():
    global mode
    loop = asyncio.get_running_loop()
    while True:
        line = await loop.run_in_executor(None, sys.stdin.readline)
        if not line:
            return
        mode = line.strip()
        tell("mode", mode=mode)


async def main():
    how, certificate, key = sys.argv[1:]
    context = None
    if how != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)

    def connection():
        return SMTP(
            Handler(),
            tls_context=context if how == "starttls" else None,
            require_starttls=how == "starttls",
            authenticator=authenticate,
            auth_required=True,
            auth_require_tls=how == "starttls",
            # The process has one loop.
            loop=asyncio.get_running_loop(),
        )

    implicit = context if how == "implicit" else None
    server = await asyncio.get_running_loop().create_server(
        connection, "127.0.0.1", 0, ssl=implicit
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await orders()


asyncio.run(main())
