"""The digital phantom of the Image Biomarker Standardisation Initiative."""

import numpy as np
import pytest

# (z, y, x); 0 is outside the region of interest. Zwanenburg, A. et al. (2020). The Image Biomarker
# Standardization Initiative. Radiology 295:328; reference manual, section "Digital phantom".
LEVELS = """
4411 4411 6666 4111 1111
4011 1111 6301 4111 1111
1111 4111 6611 1111 1111
1111 4444 4444 1100 1100
"""


@pytest.fixture(scope="session")
def phantom() -> np.ndarray:
    """Grey levels, (4, 5, 4); 0 outside."""
    return np.array(
        [[[int(v) for v in row] for row in line.split()] for line in LEVELS.strip().splitlines()]
    )
