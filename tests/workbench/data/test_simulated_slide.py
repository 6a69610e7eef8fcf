from pathlib import Path

import numpy as np

from workbench.data.imaging import open_slide
from workbench.data.simulated_slide import MICROMETRES, SIZE, write_slide


def test_it_is_a_slide_of_tiles_with_a_scale_and_a_crowded_part(tmp_path: Path) -> None:
    path = write_slide(tmp_path / "slide.tif")
    slide = open_slide(path)
    assert slide.size == SIZE
    assert np.isclose(slide.micrometres, MICROMETRES)
    assert type(slide.levels[0]).__name__ == "TiledLevel"
    whole = slide.levels[-1].region(0, 0, *slide.levels[-1].size).astype(int)
    blue = whole[..., 2] - whole[..., 0] > 25  # Nuclei; glass is grey and tissue is pink.
    rows, columns = blue.shape
    crowded = blue[rows // 3 : rows // 2, columns // 2 : columns * 3 // 4].mean()
    assert crowded > 0.1
    assert crowded > 4 * blue[:, : columns // 4].mean()
    assert (whole.min(axis=2) > 230).mean() > 0.1
