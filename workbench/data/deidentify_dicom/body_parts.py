"""Parts of the body that are known to show no face; whatever else is named may show one.

Words are those of DICOM's list of body parts [1] and of their common spellings. Not among them are
the neck and what reaches into it (thyroid, larynx, oesophagus, cervical or whole spine), since
scans of it show the chin and more.

References
----------
[1] DICOM PS3.16, CID 4: Anatomic region; Annex L: Body Part Examined.
"""

import re

_FACELESS = """
    abd abdo abdomen abdomenpelvis abdominal abdopelvis acetabulum adrenal ankle anus aorta
    appendix arm atrium bauch becken bile biliary bladder bowel breast bronchus calcaneus
    calf cardiac carpus chest chestabdomen chestabdomenpelvis chestabdpelvis clavicle coccyx
    colon coronary coronaryartery duodenum elbow extremity femoral femur fibula finger foot
    forearm gallbladder groin hand heart hepatic hip humerus ileum iliac inguinal intestine
    jejunum kidney knee knie leber leg limb liver lspine lsspine lssspine lumbar lumbosacral
    lung lunge mammary mediastinum metacarpus metatarsus niere ovary pancreas patella pelvic
    pelvis penis perineum popliteal prostate pulmonary radius rectum renal rib ribs sacrum
    scapula scrotum shoulder sijoint spleen splenic sspine sternum stomach testis thigh
    thoracic thorax thumb tibia tlspine toe trunk tspine ulna ureter uterus vagina wrist
    """
_WITH_SPINE = {"lumbar", "thoracic", "lumbosacral"}
_BESIDE = """
    and anterior area artery bilateral bone both cavity disc distal duct entire gland great
    joint l large left lower muscle of part posterior proximal r region right small soft
    space spine structure system the tissue upper vein vertebra vessel wall with
    """
_WORD = re.compile(r"[^\W\d_]+")


def shows_no_face(part: str) -> bool:
    """Whether a named part of the body is known to leave out the head.

    Examples
    --------
    >>> shows_no_face("CHEST_ABDOMEN"), shows_no_face("Right lung")
    (True, True)
    >>> shows_no_face("SPINE"), shows_no_face("WHOLEBODY"), shows_no_face("")
    (False, False, False)
    """
    words = {word.lower() for word in _WORD.findall(part)}
    faceless = words & set(_FACELESS.split())
    if not faceless or words - faceless - set(_BESIDE.split()):
        return False
    return "spine" not in words or bool(words & _WITH_SPINE)
