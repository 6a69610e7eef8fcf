"""Clinical variables to tokens: one a variable, and one for what is missing."""

import pytest
import torch
from torch.testing import assert_close

from fusion.encoders.feature_tokens import FeatureTokenEncoder, FeatureTokens

# age, grade=3, grade=4, sex, site=east
VARIABLES = {"grade": (1, 2), "site": (4,), "level of all": ()}
AGE, GRADE, SEX, SITE = range(4)


@pytest.fixture
def tokens() -> FeatureTokens:
    torch.manual_seed(0)
    return FeatureTokens(VARIABLES, 5, 6).double()


@pytest.fixture
def columns() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(4, 5, generator=generator, dtype=torch.float64)


@torch.no_grad()
def test_by_hand(tokens, columns):
    w, b = tokens.weight, tokens.bias
    expected = [
        columns[:, :1] * w[0] + b[AGE],
        columns[:, 1:2] * w[1] + columns[:, 2:3] * w[2] + b[GRADE],
        columns[:, 3:4] * w[3] + b[SEX],
        columns[:, 4:5] * w[4] + b[SITE],
    ]
    assert_close(tokens(columns), torch.stack(expected, dim=1))


@torch.no_grad()
def test_a_missing_value_is_not_the_mean(tokens, columns):
    """The mean has a token too: the bias alone."""
    at_mean, missing = columns.clone(), columns.clone()
    at_mean[:, 0], missing[:, 0] = 0, torch.nan
    assert_close(tokens(at_mean)[:, AGE], tokens.bias[AGE].expand(4, -1))
    assert_close(tokens(missing)[:, AGE], tokens.missing[AGE].expand(4, -1))
    assert not torch.allclose(tokens(at_mean)[:, AGE], tokens(missing)[:, AGE])
    others = [GRADE, SEX, SITE]
    assert torch.equal(tokens(missing)[:, others], tokens(columns)[:, others])
    encoder = FeatureTokenEncoder(tokens, 6, 0.7).double()
    assert (encoder(missing) != encoder(at_mean)).any(dim=1).all()


@torch.no_grad()
def test_a_categorical_variable_is_missing_as_a_whole(tokens, columns):
    columns[0, 1:3] = torch.nan
    columns[1, 2] = torch.nan
    grade = tokens(columns)[:, GRADE]
    assert torch.equal(grade[:2], tokens.missing[GRADE].expand(2, -1))
    assert (grade[2:] != tokens.missing[GRADE]).all()


def test_gradients_are_finite_and_missing_values_train_only_their_token(tokens, columns):
    columns[:, 3] = torch.nan
    (tokens(columns) ** 2).sum().backward()
    assert tokens.missing.grad[SEX].all()
    assert not tokens.missing.grad[[AGE, GRADE, SITE]].any()
    assert not tokens.weight.grad[3].any()
    assert not tokens.bias.grad[SEX].any()
    assert tokens.weight.grad[[0, 1, 2, 4]].all()


def test_a_column_of_two_variables_is_refused():
    with pytest.raises(ValueError, match="1 columns belong to more than one categorical"):
        FeatureTokens({"grade": (1, 2), "type": (2, 3)}, 4, 6)
