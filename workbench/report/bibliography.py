"""References of the methods that a study used, and of no others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.report.words import has_time

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Reference:
    """One work, and what it was used for."""

    used_for: str
    citation: str
    doi: str = ""


def bibliography(document: Document) -> tuple[Reference, ...]:
    """References of the study's methods, in the order of the path from data to report.

    Parameters
    ----------
    document
        Of :func:`workbench.report.document.report_document`, or ``report.json`` read back.
    """
    works = _WORKS if has_time(document) else (*_OF_STATES, *_OF_EITHER)
    return tuple(reference for reference, used in works if used(document))


def every_reference() -> tuple[Reference, ...]:
    """References of all methods, used or not."""
    return tuple(reference for reference, _ in (*_WORKS, *_OF_STATES))


def _fits(*models: str) -> Callable[[Document], bool]:
    return lambda document: any(row["model"] in models for row in document["ladder"])


def _has(*names: str) -> Callable[[Document], bool]:
    return lambda document: any(document.get(name) for name in names)


def _kind(kind: str) -> Callable[[Document], bool]:
    return lambda document: any(m["kind"] == kind for m in document["modalities"])


def _encodes_images(learned_from: str) -> Callable[[Document], bool]:
    def used(document: Document) -> bool:
        encoder = document["study"].get("image_encoder", "outlines")
        return _kind("image")(document) and encoder == learned_from

    return used


def _number(name: str) -> Callable[[Document], bool]:
    return lambda document: any(
        row.get(name) for row in (*document["ladder"], *document["at_horizons"])
    )


def _always(document: Document) -> bool:
    return True


def _rate(document: Document) -> bool:
    tables = document.get("subgroups") or []
    return any(table["sites"] for table in tables)


_WORKS: tuple[tuple[Reference, Callable[[Document], bool]], ...] = (
    (
        Reference(
            "Survival curves",
            "Kaplan and Meier, J Am Stat Assoc 1958;53:457-481",
            "10.1080/01621459.1958.10501452",
        ),
        _always,
    ),
    (
        Reference(
            "Curves of cross-validated risk groups, and why they are not tested",
            "Simon, Subramanian, Li and Menezes, Brief Bioinform 2011;12:203-214",
            "10.1093/bib/bbr001",
        ),
        lambda document: bool(document["risk_groups"].get("strata")),
    ),
    (
        Reference(
            "Median follow-up by exchanged events",
            "Schemper and Smith, Control Clin Trials 1996;17:343-346",
            "10.1016/0197-2456(96)00075-X",
        ),
        _has("follow_up"),
    ),
    (
        Reference(
            "Proportional hazards",
            "Cox, J R Stat Soc B 1972;34:187-220",
            "10.1111/j.2517-6161.1972.tb00899.x",
        ),
        _fits("clinical", "clinical_markers", "concatenation", "stack"),
    ),
    (
        Reference("Baseline hazard", "Breslow, J R Stat Soc B 1972;34:216-217"),
        _fits("clinical", "clinical_markers", "concatenation", "stack", "fusion_net"),
    ),
    (
        Reference(
            "Ridge penalties over several modalities",
            "van de Wiel, van Nee and Rauschenberger, J Comput Graph Stat 2021;30:835-847",
            "10.1080/10618600.2021.1904962",
        ),
        _fits("concatenation", "stack"),
    ),
    (
        Reference(
            "Stacking", "Wolpert, Neural Netw 1992;5:241-259", "10.1016/S0893-6080(05)80023-1"
        ),
        _fits("stack"),
    ),
    (
        Reference(
            "Networks on the partial likelihood",
            "Katzman, Shaham, Cloninger et al., BMC Med Res Methodol 2018;18:24",
            "10.1186/s12874-018-0482-1",
        ),
        _fits("fusion_net"),
    ),
    (
        Reference(
            "Image encoder",
            "Ronneberger, Fischer and Brox, MICCAI 2015, LNCS 9351:234-241",
            "10.1007/978-3-319-24574-4_28",
        ),
        _encodes_images("outlines"),
    ),
    (
        Reference(
            "Dictionary of image patches",
            "Coates, Ng and Lee, Proc AISTATS 2011, PMLR 15:215-223",
        ),
        _encodes_images("patches"),
    ),
    (
        Reference(
            "Spherical k-means of whitened patches",
            "Coates and Ng, Neural Networks: Tricks of the Trade 2012, LNCS 7700:561-580",
            "10.1007/978-3-642-35289-8_30",
        ),
        _encodes_images("patches"),
    ),
    (
        Reference(
            "Harrell’s C",
            "Harrell, Lee and Mark, Stat Med 1996;15:361-387",
            "10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4",
        ),
        _number("harrell_c"),
    ),
    (
        Reference(
            "Uno’s C",
            "Uno, Cai, Pencina et al., Stat Med 2011;30:1105-1117",
            "10.1002/sim.4154",
        ),
        _number("uno_c"),
    ),
    (
        Reference(
            "Time-dependent AUC",
            "Uno, Cai, Tian and Wei, J Am Stat Assoc 2007;102:527-537",
            "10.1198/016214507000000149",
        ),
        _number("auc"),
    ),
    (
        Reference(
            "Brier score under censoring",
            "Graf, Schmoor, Sauerbrei and Schumacher, Stat Med 1999;18:2529-2545",
            "10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5",
        ),
        _number("brier"),
    ),
    (
        Reference(
            "Index of prediction accuracy",
            "Kattan and Gerds, Diagn Progn Res 2018;2:7",
            "10.1186/s41512-018-0029-2",
        ),
        _number("ipa"),
    ),
    (
        Reference(
            "Calibration of survival models",
            "Austin, Harrell and van Klaveren, Stat Med 2020;39:2714-2742",
            "10.1002/sim.8570",
        ),
        _number("calibration_slope"),
    ),
    (
        Reference(
            "Decision curves",
            "Vickers and Elkin, Med Decis Making 2006;26:565-574",
            "10.1177/0272989X06295361",
        ),
        _has("decision_curves"),
    ),
    (
        Reference(
            "Random effects over sites",
            "DerSimonian and Laird, Control Clin Trials 1986;7:177-188",
            "10.1016/0197-2456(86)90046-2",
        ),
        _rate,
    ),
    (
        Reference(
            "Size of the sample",
            "Riley, Snell, Ensor et al., Stat Med 2019;38:1276-1296",
            "10.1002/sim.7992",
        ),
        _has("sample_size"),
    ),
    (
        Reference(
            "Contributions of modalities", "Shapley, Contributions to the Theory of Games II, 1953"
        ),
        lambda document: "Shap" in document["contributions"]["method"].replace("SHAP", "Shap"),
    ),
    (
        Reference(
            "Contributions of features",
            "Sundararajan, Taly & Yan, Proceedings of Machine Learning Research 2017;70:3319-28",
        ),
        lambda document: "integrated gradients" in document["contributions"]["method"],
    ),
    (
        Reference(
            "Reporting",
            "Collins, Moons, Dhiman et al., BMJ 2024;385:e078378 (TRIPOD+AI)",
            "10.1136/bmj-2023-078378",
        ),
        _always,
    ),
)

_OF_TIMES = frozenset(
    {
        "Survival curves",
        "Curves of cross-validated risk groups, and why they are not tested",
        "Median follow-up by exchanged events",
        "Proportional hazards",
        "Baseline hazard",
        "Networks on the partial likelihood",
        "Harrell’s C",
        "Uno’s C",
        "Time-dependent AUC",
        "Brier score under censoring",
        "Calibration of survival models",
        "Size of the sample",
    }
)
_OF_EITHER = tuple(work for work in _WORKS if work[0].used_for not in _OF_TIMES)
_OF_STATES: tuple[tuple[Reference, Callable[[Document], bool]], ...] = (
    (
        Reference(
            "Ridge logistic regression",
            "le Cessie and van Houwelingen, J R Stat Soc C 1992;41:191-201",
            "10.2307/2347628",
        ),
        _fits("clinical", "clinical_markers", "concatenation", "stack"),
    ),
    (
        Reference(
            "Area under the ROC curve",
            "Hanley and McNeil, Radiology 1982;143:29-36",
            "10.1148/radiology.143.1.7063747",
        ),
        _number("harrell_c"),
    ),
    (
        Reference("Brier score", "Brier, Mon Weather Rev 1950;78:1-3"),
        _number("brier"),
    ),
    (
        Reference(
            "Calibration of risk models",
            "Austin and Steyerberg, Stat Med 2019;38:4051-4065",
            "10.1002/sim.8281",
        ),
        _number("calibration_slope"),
    ),
)
