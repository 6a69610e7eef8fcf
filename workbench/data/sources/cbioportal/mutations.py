"""MAF rows → mutated genes of each sample."""

from workbench.data.bad_rows import BadRows
from workbench.data.sources.cbioportal.tables import Table

CODE = "mutation"
_NOT_CODING = frozenset(("silent", "intron", "igr", "3'utr", "5'utr", "3'flank", "5'flank", "rna"))
_NOT_THERE = frozenset(("loh", "wildtype"))
"""``Mutation_Status`` of rows that are no mutation."""


def mutated_genes(maf: Table, bad: BadRows) -> tuple[list[tuple[str, str, str | None]], int]:
    """Sample, gene and change of each mutation, and how many rows are none.

    Left out are the rows that the portal's importer leaves out: silent, intronic, intergenic, UTR,
    flanking (but those of TERT's promoter) and RNA, and ``Mutation_Status`` LOH or Wildtype. The
    change is that of the protein, or else the class of the mutation.

    Parameters
    ----------
    maf
        Rows with ``Tumor_Sample_Barcode``, ``Hugo_Symbol`` or ``Entrez_Gene_Id``.
    bad
        Takes rows without a sample or a gene.
    """
    found, left_out = [], 0
    for line, cells in maf.rows:
        sample, gene = cells["Tumor_Sample_Barcode"], cells.get("Hugo_Symbol")
        if gene is None and (entrez := cells.get("Entrez_Gene_Id")) is not None:
            gene = f"entrez:{entrez}"
        if sample is None or gene is None:
            bad.add(maf.name, f"line {line}", "no Tumor_Sample_Barcode, or no gene")
            continue
        kind = cells.get("Variant_Classification")
        lower = (kind or "").lower()
        promoter = gene == "TERT" and lower == "5'flank"
        status = (cells.get("Mutation_Status") or "").lower()
        if (lower in _NOT_CODING and not promoter) or status in _NOT_THERE:
            left_out += 1
            continue
        found.append((sample, gene, cells.get("HGVSp_Short") or kind))
    return found, left_out
