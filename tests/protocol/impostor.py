"""Another program on an engine's port: writes down all that it is sent, and answers as an engine.

python impostor.py PORT RECORD HOW KNOWN: KNOWN is what it saw of a state file once, as JSON.
"""

import json
import socket
import sys
import threading
from pathlib import Path

from pixelmend import challenge

port, record, how, known = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])


def answer(request: str) -> bytes:
    """Returns what it says, as well as it can."""
    address = f"127.0.0.1:{port}"
    asked = request.partition("nonce=")[2].split(" ")[0]
    added = challenge.new_nonce()
    proofs = {
        # By a token that was replaced since.
        "old token": [challenge.proof(known["token"], address, asked, added)],
        "proof": [known["proof"]],
        "echo": [asked],
        "everything": ["0" * 64] * 100_000,
        # As if it were the release before, which answered no challenge.
        "old release": [],
        "closes": [],
    }[how]
    said: dict[str, object] = {"nonce": added, "proofs": proofs}
    said |= {"protocol": 1, "version": "0.1.0", "pid": 1, "proof": known["proof"], "busy": False}
    body = json.dumps(said).encode()
    if how == "old release" and "challenge" in request:
        body = b'{"error": {"code": "unauthorized", "message": "no token", "hint": "none"}}'
    close = "Connection: close\r\n" if how == "closes" else ""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{close}\r\n"
    return head.encode() + body


def serve(connection: socket.socket) -> None:
    """Answers whatever comes, and writes it down."""
    with connection, record.open("ab") as file:
        while piece := connection.recv(65536):
            file.write(piece)
            file.flush()
            connection.sendall(answer(piece.decode("latin-1")))
            if how == "closes":
                return


with socket.create_server(("127.0.0.1", port)) as server:
    record.touch()
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
