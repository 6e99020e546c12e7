"""The proof of an engine: true for one token, one address and one pair of numbers."""

import pytest

from pixelmend import challenge

TOKEN, HOST = "t" * 43, "127.0.0.1:41234"
ASKED, ADDED = "a" * 32, "b" * 32
PROOF = challenge.proof(TOKEN, HOST, ASKED, ADDED)


def test_the_engine_is_known_by_its_answer() -> None:
    assert challenge.proves({"nonce": ADDED, "proofs": [PROOF]}, TOKEN, HOST, ASKED)
    assert challenge.proves({"nonce": ADDED, "proofs": ["0" * 64, PROOF]}, TOKEN, HOST, ASKED)


@pytest.mark.parametrize(
    "changed",
    [
        {"token": "u" * 43},
        {"host": "127.0.0.1:41235"},
        {"asked": "c" * 32},
        {"added": "d" * 32},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_no_answer_serves_for_anything_else(changed: dict[str, str]) -> None:
    words = {"token": TOKEN, "host": HOST, "asked": ASKED, "added": ADDED, **changed}
    answer = {"nonce": words["added"], "proofs": [PROOF]}
    assert not challenge.proves(answer, words["token"], words["host"], words["asked"])


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        PROOF,
        {},
        {"nonce": ADDED},
        {"nonce": ADDED, "proofs": PROOF},
        {"nonce": ADDED, "proofs": []},
        {"nonce": ADDED, "proofs": [None, 1, "", "ä"]},
        {"nonce": 1, "proofs": [PROOF]},
        {"nonce": ASKED + "\n" + ADDED, "proofs": [PROOF]},
        {"nonce": ADDED, "proofs": [PROOF + "0"]},
    ],
    ids=repr,
)
def test_what_is_no_answer_proves_nothing(answer: object) -> None:
    assert not challenge.proves(answer, TOKEN, HOST, ASKED)


def test_no_two_questions_are_the_same() -> None:
    nonces = {challenge.new_nonce() for _ in range(100)}
    assert len(nonces) == 100
    assert all(challenge.NONCE.fullmatch(nonce) for nonce in nonces)
