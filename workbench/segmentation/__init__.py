"""Outlines learned from a dataset's own: a network a fold, judged on patients it has not seen."""

from workbench.segmentation.run import deal_folds, segment
from workbench.segmentation.settings import SegmentationResult, SegmentationSettings

__all__ = ["SegmentationResult", "SegmentationSettings", "deal_folds", "segment"]
