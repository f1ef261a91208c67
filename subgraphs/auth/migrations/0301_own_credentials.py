"""Credentials are behind the wall of whom they belong to; how the tenant's people sign in elsewhere is internal."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "auth_0301", "auth_0201", None, None

_OF_USERS = (
    *("password", "mfa_factor", "recovery_code", "mail_token", "session", "consent", "authorization_code"),
    *("refresh_token", "upstream_identity"),
)


def upgrade() -> None:
    """Whoever sees only some users sees nothing of what the others hold."""
    for table in _OF_USERS:
        seen = f"EXISTS (SELECT FROM user_account u WHERE u.tenant_id = {table}.tenant_id AND u.id = user_id)"
        migrate.run(f"CREATE POLICY of_whom_one_sees ON {table} AS RESTRICTIVE USING ({seen}) WITH CHECK ({seen})")
    inside = "current_setting('psa.kind', true) IN ('STAFF', 'SERVICE', 'SYSTEM')"
    for table in ("identity_provider", "identity_provider_secret"):
        migrate.run(f"CREATE POLICY internal ON {table} AS RESTRICTIVE USING ({inside}) WITH CHECK ({inside})")
