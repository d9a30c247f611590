from maskenball.explain import suits_of, why_not_of

TOLD = {
    "item": "cup-1",
    "weighed": [
        {"item": "cup-1", "value": 0.3, "value_low": 0.2, "propensity": 0.9},
        {"item": "cup-2", "value": 0.25, "value_low": 0.1, "propensity": 0.05},
        {"item": "cup-3", "value": 0.02, "value_low": -0.1, "propensity": 0.0},
    ],
    "closed": {"stock": 2, "age": 0, "open": 9},
}


def test_why_not_is_told_as_far_as_the_record_goes():
    assert why_not_of(TOLD, "cup-1") == "cup-1 is what was decided for."
    assert why_not_of(TOLD, "cup-2") == "cup-2 was worth 0.250 and had a chance of 5.0%; the lot fell elsewhere."
    assert why_not_of(TOLD, "cup-3") == "cup-3 was worth -0.100 at least: too little to be drawn."
    assert why_not_of(TOLD, "cup-9") == "cup-9 is not among the best that were weighed. Gates closed: stock 2."


def test_what_suits_is_told_in_a_line():
    suits = {"journey": "unknown", "switching_risk": None, "is_sold_to": True, "play": [], "like": "", "worth": []}
    assert suits_of(suits) == "journey unknown; worth of offers: as it is"
    known = {"journey": "using", "switching_risk": 0.61, "is_sold_to": False, "play": ["yee3.social"], "like": "a.b"}
    worth = [{"kind": "journey", "ref": "using", "factor": 0.7}]
    assert suits_of({**known, "worth": worth}) == (
        "journey using, risk to switch 0.61, not sold to, plays yee3.social, like a.b; worth of offers: journey × 0.70"
    )
