import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.concepts import Concept, ConceptSet, Vocabulary, concept_set
from workbench.errors import RecordsError

TREE = Vocabulary.from_parents(
    [("1", "2"), ("1", "3"), ("2", "4"), ("3", "4"), ("5", "5")], {"5": "alone", "6": "named"}, "v1"
)


def test_descendants_are_all_that_lies_under() -> None:
    assert TREE.resolve(concept_set("some", 1)) == {"1", "2", "3", "4"}
    assert TREE.resolve(ConceptSet("some", (Concept("1", descendants=False),))) == {"1"}
    assert TREE.resolve(concept_set("some", 6)) == {"6"}


def test_what_is_excluded_is_taken_out_of_all() -> None:
    assert TREE.resolve(concept_set("some", 1, 5, exclude=[2])) == {"1", "3", "5"}
    alone = Concept("2", descendants=False, excluded=True)
    assert TREE.resolve(ConceptSet("some", (Concept("1"), alone))) == {"1", "3", "4"}
    with pytest.raises(RecordsError, match="taken out again"):
        TREE.resolve(concept_set("some", 2, exclude=[1]))


def test_a_set_of_which_nothing_is_known_is_refused_and_what_else_is_unknown_is_named() -> None:
    with pytest.raises(RecordsError, match="none of its 2 concepts is known"):
        TREE.resolve(concept_set("some", 98, 99, exclude=[1]))
    some = concept_set("some", 1, 99, exclude=[98])
    assert TREE.resolve(some) == TREE.resolve(concept_set("some", 1)) | {"99"}
    assert TREE.unknown(some) == ("98", "99")


@pytest.mark.parametrize("circle", [[("1", "2"), ("2", "1")], [("1", "2"), ("2", "3"), ("3", "2")]])
def test_a_circle_is_refused(circle: list[tuple[str, str]]) -> None:
    with pytest.raises(RecordsError, match="circle"):
        Vocabulary.from_parents(circle, {})


@given(st.lists(st.sampled_from([Concept(str(i), d, e) for i in "123" for d in (True, False)
                                 for e in (True, False)]), min_size=1))  # fmt: skip
def test_equal_sets_have_equal_json(concepts: list[Concept]) -> None:
    if all(concept.excluded for concept in concepts):
        with pytest.raises(RecordsError, match="includes nothing"):
            ConceptSet("some", tuple(concepts))
        return
    some = ConceptSet("some", tuple(concepts), "v1")
    turned = ConceptSet("some", (*concepts[::-1], *concepts), "v1")
    assert some.to_json() == turned.to_json()
    assert ConceptSet.from_json(some.to_json()).to_json() == some.to_json()


@pytest.mark.parametrize(
    "written",
    [
        {},
        [],
        {"name": "some"},
        {"name": " ", "concepts": [{"concept": "1"}]},
        {"name": "some", "concepts": []},
        {"name": "some", "concepts": [{"concept": True}]},
        {"name": "some", "concepts": [{"concept": "1", "descendants": 1}]},
        {"name": "some", "concepts": [{"concept": "1"}], "vocabulary": 5},
        {"name": "some", "concepts": [{"concept": "1"}], "\n": 5},
    ],
)
def test_what_is_no_concept_set_is_refused(written: object) -> None:
    with pytest.raises(RecordsError) as refused:
        ConceptSet.from_json(written)  # pyright: ignore[reportArgumentType]
    assert str(refused.value).isprintable()
