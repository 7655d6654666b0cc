"""AWS policy documents: read, and asked who gets in, what is allowed, and whether TLS is enforced.

Sources, by the names of their pages. IAM User Guide: "Grammar of the IAM JSON policy language", "IAM JSON policy
elements: Principal", "... NotPrincipal", "... Action", "... NotAction", "... Resource", "... Condition operators",
"Variables and tags" and "Version", "Set operators for multivalued context keys", "AWS global condition context keys",
"Policy evaluation logic". Amazon S3 User Guide: "Blocking public access to your Amazon S3 storage", its section "The
meaning of public".

Every question has three answers. One document is judged, not what other policies, settings or ACLs add or take away.
"""

from meshguard_checks.parsing.aws_policy_admin import full_admin, service_admin
from meshguard_checks.parsing.aws_policy_allows import allows
from meshguard_checks.parsing.aws_policy_answer import Answer, Finding, Judgement
from meshguard_checks.parsing.aws_policy_document import Policy, PolicyError, Statement, parse
from meshguard_checks.parsing.aws_policy_foreign import foreign_principals
from meshguard_checks.parsing.aws_policy_public import public_statements
from meshguard_checks.parsing.aws_policy_tls import tls_only

__all__ = [
    "Answer",
    "Finding",
    "Judgement",
    "Policy",
    "PolicyError",
    "Statement",
    "allows",
    "foreign_principals",
    "full_admin",
    "parse",
    "public_statements",
    "service_admin",
    "tls_only",
]
