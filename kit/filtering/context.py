"""Words around a number that say what it is. Of several languages; compared in lower case, at the start of a word."""

import re

_BEFORE = 56
_AFTER = 14

_TELEPHONE = (
    r"(?:tele)?phone|phones|tel|telef\w*|téléph\w*|mobile?|mobiel|móvil|mov|cell(?:ular\w*)?|fax|telefax|call(?:s|ing|ed)?|"
    r"ring|dial|whatsapp|signal|sms|text(?:s|ed)? (?:me|us|him|her|to|at)|messages? (?:to|at)|reach(?:ed)?|answering|"
    r"registered|contact(?:s|ed)?|hotline|office|desk|landline|handy(?:nummer)?|ruf(?:nummer|en)?|anruf\w*|rückruf|num[ée]ro|número|rung|"
    r"appel\w*|joindre|portable|gsm|ll[aá]m\w*|celular|chiam\w*|cellulare|bel(?:len)?|telefoon\w*|nummer|komórk\w*|"
    r"dzwo\w*|ligue|ligar|telemóvel|ring(?:a|e)|puhelin\w*|soit\w*|volej\w*|hív\w*|sun(?:a|ati)|ara\w*|τηλ\w*|тел\w*|"
    r"звон\w*|моб\w*|電話|电话|전화|טלפון|phone ?(?:#|no|number)"
)
# Somebody's own: "your order number" has the order in between, and is none.
_OWN_NUMBER = (
    r"(?:my|his|her|our|their|your|meine|deine|seine|ihre|unsere|mein|mon|son|votre|notre|mi|su|tu|mio|suo|tuo|meu|seu|mijn|"
    r"min|mitt|mój|moje) (?:number|no|nummer|nr|num[eé]ro|número|numer|telefon\w*)"
)
PERSONAL = (
    r"ssn|itin|social (?:security|insurance)\w*|soc sec|sin|nino?|ni number|"
    r"national (?:id\w*|insurance|number|register)|identity|"
    r"identification|identifier|personal (?:id\w*|number|code)|personnummer|cpr|id card|id (?:no|number|nr)|"
    r"citizen\w*|resident\w*|tax\w*|tin|utr|steuer\w*|fiscal\w*|fiscale|passport\w*|reisepass\w*|passeport|pasaporte|"
    r"passaporto|paszport\w*|paspoort\w*|pass(?:nummer|nr)|ausweis\w*|personalausweis\w*|"
    r"licen[cs]e (?:number|no|nr|id)|führerschein\w*|permis|patente|rijbewijs\w*|dni|nie|nif|"
    r"nir|sécu\w*|insee|codice|pesel|nip|regon|bsn|cpf|cnpj|rg|cnp|cnic|aadhaar|aadhar|pan|gstin|voter|nric|fin|mykad|"
    r"curp|tckn|tc kimlik|egn|oib|jmbg|emšo|amka|afm|avs|ahv|hetu|rodné|taj|isikukood|asmens|"
    r"nhs|medicare|medicaid|mbi|npi|dea|health (?:insurance|card|id|number)|versicher\w*|sozialversicher\w*|"
    r"sozialvers\w*|svnr|patient|mrn|medical record|policy|member (?:id|no|number)|account\w*|acct|konto\w*|compte|"
    r"cuenta|conto|rekening\w*|iban|bban|bic|swift|routing|aba|sort ?code|blz|"
    r"imei|imsi|iccid|idfa|gaid|aaid|advertising ?id|device ?id|vat(?: id| no| number)?|ust-?id\w*|tva|iva|"
    r"licen[cs]e plate|number plate|plate (?:no|number)|kennzeichen|tfn|abn|acn|ird|pps|ppsn"
)
_DRIVING = r"driv(?:er|ers|er's|ers'|ing)"
_CARD = (
    r"card|cards|cc|paid (?:with|by)|pay with|charge|charged|credit|debit|visa|mastercard|amex|american express|"
    r"maestro|kreditkarte\w*|karte|carte|tarjeta|carta|kort"
)
_GOODS = (
    r"order\w*|sku|skus|item\w*|article|artikel\w*|art|part|parts|model|modell|isbn|issn|ean|gtin|upc|asin|mpn|barcode|"
    r"invoice|rechnung\w*|bestell\w*|product\w*|produkt\w*|ref|reference|version|ver|v|release|build|rev|revision|"
    r"ticket|case|issue|bug|pr|pull|commit|tracking|shipment|parcel|lot|batch|serial|serien\w*|edition|vol|volume|"
    r"chapter|page|size|patent|rfc|iso|din|ieee|en|doi|pmid|arxiv|cas|catalog\w*|coupon|voucher|code|"
    r"price|preis|prix|precio|prezzo|total|amount|sum|quantity|qty|stock|points?|score|views?|copies|population|"
    r"commande|pedido|ordine|bestelling|zamówieni\w*|event|session|set|lego|no"
)


# A part of a compound ("account-move-line") says nothing.
_BEGIN, _END = r"(?<![^\W_])(?<!\w-)", r"(?![^\W_])(?!-[^\W\d])"


def _ending(words: str, *, gap: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_])(?:{words})(?![^\W_]){gap}$", re.IGNORECASE | re.DOTALL)


# A sign of a person's number may stand some words away ("call me, any time, at …"); of goods it must be near.
_telephone = re.compile(rf"{_BEGIN}(?:{_TELEPHONE}|{_OWN_NUMBER}){_END}", re.IGNORECASE)
_personal = re.compile(rf"{_BEGIN}(?:{PERSONAL}|{_DRIVING}){_END}", re.IGNORECASE)
_card = re.compile(rf"{_BEGIN}(?:{_CARD}){_END}", re.IGNORECASE)
_goods = _ending(_GOODS, gap=r"(?:[\s:=#.,()\"'-]|no|nr|num|number|nummer|id|is|was|of){0,6}")
_counted = re.compile(
    r"\s?(?:€|\$|£|¥|%|°|eur|usd|gbp|chf|jpy|pln|sek|kg|g|mg|km|m|mm|cm|ml|l|kb|mb|gb|tb|mib|gib|mhz|ghz|hz|w|kw|v|mah|"
    r"px|dpi|rpm|lm|bytes?|bits?|pieces|pcs|items|people|users|copies|views|points|years|days|hours|stars|ratings|songs|"
    r"downloads|times|lines|words)(?![^\W_])",
    re.IGNORECASE,
)
_afterwards = re.compile(
    r"[\s\-–,;:(]{0,3}(?:(?:office|fax|mobile|cell|home|work|tel|phone|desk|direct|main)|(?:zu )?erreich\w*|anruf\w*|"
    r"is (?:my|his|her|our) (?:number|cell|mobile|phone|line))\b",
    re.IGNORECASE,
)
_priced = re.compile(r"(?:€|\$|£|¥|#|№)\s?$")


def claimed_kind(text: str, start: int, end: int) -> str:
    """Return what the words around a number claim it to be: "phone", "personal", "card", "goods" or ""."""
    before = text[max(0, start - _BEFORE) : start]
    found = max(
        ((match.end(), kind) for kind, words in _CLAIMS for match in words.finditer(before)),
        default=(-1, ""),
    )
    goods = _goods.search(before) or _priced.search(before)
    if goods and goods.start() >= found[0]:
        return "goods"
    if _afterwards.match(text, end, end + _AFTER):
        return "phone"
    if not found[1] and _counted.match(text, end):
        return "goods"
    return found[1]


_CLAIMS = (("phone", _telephone), ("personal", _personal), ("card", _card))
