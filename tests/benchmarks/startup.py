"""How long a person waits before anything happens; best of five, seconds.

Run: python tests/benchmarks/startup.py
"""

import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import workbench": [sys.executable, "-c", "import workbench"],
    "workbench --help": [sys.executable, "-m", "workbench", "--help"],
    "workbench data list": [sys.executable, "-m", "workbench", "data", "list"],
}


def seconds(command: list[str]) -> float:
    """Wall time of one whole process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    for name, command in COMMANDS.items():
        print(f"{name:20s} {min(seconds(command) for _ in range(5)):.2f}")
