"""Which kinds of labelled spans have a shape. The others no filter of identifiers can promise to find."""

import re

# Names, groups, places, moments, amounts, and what somebody made up: no field that is kept may carry them.
_NAMED = (
    # People and groups
    "person per people name fullname firstname middlename lastname surname givenname familyname initials "
    "nickname namemale namefemale firstnamemale firstnamefemale firstnamenonbinary lastnamemale lastnamefemale "
    "prefix suffix prefixmale prefixfemale title salutation username usernames login password organization "
    "organisation org orgs company companyname employer institution hospital hospitalname school nrp norp "
    "nationality nationwoman nationman nationplural religion ethnicity race politics gender sex orientation "
    "job jobtitle occupation profession role patient doctor staff relation "
    # Places
    "gpe loc location locationother place city town state stateabbr province region country countrycode county "
    "address streetaddress street streetname secondaryaddress buildingnumber building fac facility zip zipcode "
    "postcode postalcode neighborhood landmark "
    # Moments and amounts
    "age date time datetime dateofbirth birthday birthdate dob year month day dayofweek duration money amount "
    "price currency percent quantity cardinal ordinal "
    # Things
    "event product workofart law language medical diagnosis condition medication drug disease misc "
    "miscellaneous o "
    # Doubtful: a plate has the shape of an article number, a BIC names a bank, a user agent many people.
    "licenseplate licenceplate vehicleregistration ukvehicleregistration invehicleregistration dekfz kfz "
    "vehicle swift swiftcode bic swiftbic useragent "
)
_SHAPELESS = frozenset(_NAMED.split())
_BEGUN = re.compile(r"^[BILUSE]-", re.ASCII)


def has_shape(kind: str) -> bool:
    """Tell whether spans of `kind` count: compared without case, separators and the marks of token labels."""
    return re.sub(r"[\W_]", "", _BEGUN.sub("", kind)).lower() not in _SHAPELESS
