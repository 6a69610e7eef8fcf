"""A data card as Croissant JSON-LD, which catalogues of datasets and other tools read.

It tells what the card tells: files with their hashes, columns with meaning and unit, licence and
citation. No value of a patient and no path of a machine is in it.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from workbench.data.card import Card, Column, ImageModality, SourceFile
from workbench.data.fingerprint import sha256_of
from workbench.data.open_card import DataCard
from workbench.errors import DataCardError

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
FORMATS = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
    "png": "image/png",
    "jpg": "image/jpeg",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "nii": "application/x-nifti",
    "gz": "application/gzip",
    "dcm": "application/dicom",
}
TYPES = {"numeric": "sc:Float", "categorical": "sc:Text", "boolean": "sc:Boolean"}

Json = dict[str, Any]


def croissant(card: DataCard) -> Json:
    """Describe a dataset in Croissant 1.0.

    Parameters
    ----------
    card
        The dataset; its files must be here, for their hashes are part of the description.

    Returns
    -------
    dict
        JSON-LD: a FileObject a table, a FileSet a modality of images, and a RecordSet a table of
        which the card declares columns.

    Raises
    ------
    DataCardError
        If a file is missing.

    References
    ----------
    Akhtar, Benjelloun, Conforti et al., "Croissant: a metadata format for ML-ready datasets", DEEM
    2024, doi:10.1145/3650203.3663326.
    """
    missing = card.missing_files()
    if missing:
        raise DataCardError(f"{card.name}: {card.how_to_get(missing)}")
    spec = card.spec
    hashes = dict(
        zip(
            spec.files,
            sha256_of([card.folder / file.path for file in spec.files.values()]),
            strict=True,
        )
    )
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": spec.name.replace(":", "-"),
        "description": f"{spec.title}. Times count from {spec.index_date}.",
        "version": _semantic(spec.version),
        "license": spec.licence,
        "citeAs": spec.citation,
        "url": _address(spec),
        "sameAs": spec.source,
        "isLiveDataset": False,
        "distribution": [
            *(
                part
                for name, file in spec.files.items()
                for part in _file(name, file, hashes[name])
            ),
            *(
                _images(name, modality)
                for name, modality in spec.modalities.items()
                if isinstance(modality, ImageModality)
            ),
        ],
        "recordSet": [
            record
            for name, file in spec.files.items()
            if (record := _records(spec, name, file)) is not None
        ],
    }


def _semantic(version: str) -> str:
    """A version of three numbers, as Croissant asks for; another is kept as it is."""
    parts = version.split(".")
    if len(parts) < 3 and all(part.isdigit() for part in parts):
        return ".".join([*parts, "0", "0"][:3])
    return version


def _address(spec: Card) -> str:
    """A page where the data are found; a name of their own where the card knows of none."""
    known = (file.url for file in spec.files.values() if file.url)
    return next(known, f"urn:dataset:{spec.name}")


def _file(name: str, file: SourceFile, sha256: str) -> list[Json]:
    """The file, and before it the archive that holds it."""
    address = file.url or PurePosixPath(file.path).as_posix()
    if file.member is None:
        return [_object(name, address, _format(file.path, file.format), sha256)]
    archive = f"{name}-archive"
    inside = {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": file.member,
        "encodingFormat": _format(file.member, file.format),
        "containedIn": {"@id": archive},
    }
    return [_object(archive, address, FORMATS["zip"], sha256), inside]


def _object(name: str, address: str, encoding: str, sha256: str) -> Json:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": address,
        "encodingFormat": encoding,
        "sha256": sha256,
    }


def _images(name: str, modality: ImageModality) -> Json:
    return {
        "@type": "cr:FileSet",
        "@id": name,
        "name": name,
        "description": modality.title,
        "encodingFormat": _format(modality.pattern, None),
        "includes": modality.pattern,
    }


def _format(path: str, declared: str | None) -> str:
    ending = declared or PurePosixPath(path).suffix.lstrip(".").lower()
    return FORMATS.get(ending, "application/octet-stream")


def _records(spec: Card, name: str, file: SourceFile) -> Json | None:
    """Columns that the card declares of a table; None where it declares none."""
    if file.layout != "patients_in_rows":
        return None
    columns = {key: column for key, column in spec.columns.items() if column.file == name}
    if not columns:
        return None
    return {
        "@type": "cr:RecordSet",
        "@id": f"{name}-records",
        "name": f"{name}-records",
        "description": f"One row a patient, by the column {file.key.column}.",
        "field": [_field(name, key, column) for key, column in columns.items()],
    }


def _field(file: str, name: str, column: Column) -> Json:
    unit = f" Unit: {column.unit}." if column.unit else ""
    return {
        "@type": "cr:Field",
        "@id": f"{file}-records/{name}",
        "name": name,
        "description": f"{column.meaning.rstrip('.')}.{unit}",
        "dataType": TYPES[column.type],
        "source": {"fileObject": {"@id": file}, "extract": {"column": column.source or name}},
    }


CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context of Croissant 1.0, as its specification gives it."""
