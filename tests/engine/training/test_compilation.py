"""Compiled blocks do what they do uncompiled, at every size that they are called with."""

import shutil
import subprocess
import sys

import compiled_blocks
import pytest

TOLERANCE = 1e-5  # float32, in another order


@pytest.mark.slow  # the compiler takes its time, however small a block is
@pytest.mark.skipif(shutil.which("c++") is None, reason="torch compiles with a C++ compiler")
def test_compiled_blocks_give_the_same_results_and_gradients() -> None:
    command = [sys.executable, compiled_blocks.__file__]
    command_result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert command_result.returncode == 0, command_result.stderr
    result, gradients, graphs = command_result.stdout.split()
    assert float(result) < TOLERANCE
    assert float(gradients) < TOLERANCE
    assert int(graphs) == len(compiled_blocks.SIZES)
