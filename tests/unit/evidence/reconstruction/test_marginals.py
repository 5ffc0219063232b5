"""Names in the marginals' file become printed numbers; a name without one is refused."""

import copy
from dataclasses import replace

import pytest

from sarcoma_sbrt.errors import InputError
from sarcoma_sbrt.evidence.reconstruction.marginals import Histology, Spread, read_marginals


def test_names_become_what_is_printed(marginals):
    assert marginals.patients == 37  # Table 1, heading
    assert marginals.grades == {"G1": 19, "G2": 4, "G3": 14}  # Table 1, Histological grade
    assert marginals.size_cm == Spread(1.6, 5.5, 20, decimals=1)  # Table 2, Lesions size
    assert marginals.ci == Spread(1.00, 1.13, 2.77, decimals=2)  # Table 2, CI
    assert marginals.age == Spread(19, 58, 82)  # Table 1, Age
    assert marginals.chemotherapy == {"oligometastatic": (11, 19), "recurrent": (7, 18)}
    assert marginals.other_systemic[None] == 12  # Table 1, Systemic treatment, None
    assert Histology("Others", None, 2) in marginals.histologies


def test_sites_split_at_the_cut_add_up_to_the_classes(marginals):
    assert sum(marginals.sites_small.values()) == 26  # Table 2, Lesions size
    assert sum(marginals.sites_large.values()) == 32
    assert sum(p.lesions for p in marginals.prescriptions) == 58


def test_another_printed_count_is_another_marginal(content, figures):
    key = "feng2022.sex.male"
    changed = dict(figures) | {key: replace(figures[key], events=26)}
    assert read_marginals(content, changed).sex == {"M": 26, "F": 12}


def test_everything_wrong_is_named_at_once(content, figures):
    bad = copy.deepcopy(content)
    bad["expansion"]["sex"]["M"] = "sex.unknown"
    bad["expansion"]["age"] = "sex.male"
    bad["expansion"]["surgery"] = "follow_up.median"
    bad["expansion"]["sites"]["Limbs"]["above_cut"] = 3
    with pytest.raises(InputError) as refused:
        read_marginals(bad, figures)
    file = "config/reconstruction/feng2022-marginals.yaml"
    assert str(refused.value).splitlines() == [
        f"{file}: follow_up.median: no count is printed",
        f"{file}: sex.male: no median and range is printed",
        f"{file}: sex.unknown: no printed figure of feng2022",
        f"{file}: sites.Limbs: more lesions above the cut than lesions",
    ]
