"""Who may do what. A right is a word; a role is a set of rights; a route names one right.

The same table guards pages and exports and is printed in docs/permissions.md.
"""

RIGHTS = {
    "public": "anybody, signed in or not",
    "own:answer": "answer one's own questionnaires",
    "staff:home": "see one's own staff pages",
    "participant:read": "see participants of one's sites, without identity",
    "participant:enrol": "enrol a participant at one's sites",
    "contact:read": "see and change name, telephone and e-mail",
    "link:issue": "hand over a link and a PIN",
    "event:record": "record and correct events",
    "task:work": "work on tasks, calls and reasons for missing answers",
    "compliance:read": "see completion, pooled over arms",
    "compliance:by-arm": "see completion by arm",
    "message:read": "see what was sent to whom and when",
    "score:look": "look at scores of one's sites, without identity; by arm with report:unblinded",
    "export:site": "fetch the data of one's own sites",
    "export:study": "fetch the data of the whole study, without identity",
    "report:blinded": "see reports pooled over arms",
    "report:unblinded": "see reports by arm",
    "audit:read": "read the audit trail",
    "staff:manage": "add staff and change their rights",
    "study:amend": "apply a new protocol version",
}

SITE_WORK = frozenset(
    {
        "staff:home",
        "participant:read",
        "participant:enrol",
        "contact:read",
        "link:issue",
        "event:record",
        "task:work",
        "compliance:read",
        "message:read",
        "export:site",
    }
)

ROLES: dict[str, frozenset[str]] = {
    "participant": frozenset({"own:answer"}),
    "coordinator": SITE_WORK,
    "investigator": SITE_WORK | {"audit:read", "score:look"},
    "trial-manager": frozenset(
        {
            "staff:home",
            "participant:read",
            "compliance:read",
            "message:read",
            "score:look",
            "export:study",
            "report:blinded",
            "study:amend",
        }
    ),
    "statistician": frozenset(
        {
            "staff:home",
            "participant:read",
            "compliance:read",
            "compliance:by-arm",
            "score:look",
            "export:study",
            "report:blinded",
            "report:unblinded",
        }
    ),
    "inspector": frozenset(
        {
            "staff:home",
            "participant:read",
            "compliance:read",
            "message:read",
            "audit:read",
        }
    ),
    "administrator": frozenset({"staff:home", "staff:manage", "audit:read"}),
}

# These work across sites; all others see only the sites they were given.
ALL_SITES = frozenset({"trial-manager", "statistician", "inspector", "administrator"})


def may(role: str, right: str) -> bool:
    """Return whether a role has a right."""
    return right == "public" or right in ROLES.get(role, frozenset())
