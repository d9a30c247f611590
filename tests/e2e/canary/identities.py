"""Who is planted: identities that would tell a person apart, each with a mark of its own."""

MARK = "zq7canary"
USER_ID = f"{MARK}-user-4711"
ANONYMOUS_ID = f"{MARK}-anonymous-0815"
EMAIL = f"{MARK}.anna@example.org"
NAME = f"Anna-{MARK} Beispiel"
PHONE = "+4915799990077"
ADDRESS = "203.0.113.177"
AVATAR = "c0ffee00-dead-4bad-9bad-5ca1ab1e0001"
DEVICE = "c0ffee00-dead-4bad-9bad-5ca1ab1e0002"
MESSAGE = "c0ffee00-dead-4bad-9bad-5ca1ab1e0003"
TRACE = "c0ffee00dead4bad9bad5ca1ab1e0004"
AGENT = f"{MARK}Browser/9.9"
#: What somebody says, in words that nothing else here uses; doors judge texts, so that no scrubbing of marks helps.
TEXT = "Ich liebe eure quittengelben Wolkenkoffer, ihr seid die Besten"
WORDS = ["quittengelben", "Wolkenkoffer"]

#: What nothing may hold. Names and addresses share the mark, so finding it finds all of them.
IDENTITIES = [MARK, NAME, PHONE, PHONE[1:], ADDRESS, AVATAR, DEVICE, MESSAGE, TRACE, *WORDS]

#: Planted by the test itself where it must be found, so that looking is known to work.
CONTROLS = ["zq8control", "decade00-dead-4bad-9bad-5ca1ab1e0009"]
