"""DICOM without the patient: PS3.15's basic profile, with dates moved and UIDs replaced alike.

What cannot be made safe by removing data elements is withheld and said: pixels that may show
writing, heads whose face could be recognised, reports and documents.
"""

from workbench.data.deidentify_dicom.folder import DeidentifiedImages, deidentify_images

__all__ = ["DeidentifiedImages", "deidentify_images"]
