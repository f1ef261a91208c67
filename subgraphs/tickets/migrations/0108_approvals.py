"""Approvals of changes, who belongs to which team, and what one may do with the time of one's team."""

from subgraphs.kit import migrate
from subgraphs.kit.tenancy import CONTACT, SUBJECT

revision, down_revision, depends_on, branch_labels = "tickets_0108", "tickets_0107", None, None

_HELD = "string_to_array(COALESCE(current_setting('psa.narrowed', true), ''), ',')"


def _own(permissions: tuple[str, ...], own: str) -> str:
    """SQL that lets everything through for whoever holds the first permission whole, and `own` for the others."""
    return f"((SELECT '{permissions[0]}' <> ALL ({_HELD})) OR {own})"


def _with_team(permissions: tuple[str, ...]) -> str:
    """SQL for one's own time, and for that of one's teams when one of these is held for teams."""
    wanted = ", ".join(f"'{one}.team'" for one in permissions)
    mates = (
        "SELECT mate::uuid FROM team_copy t, jsonb_array_elements_text(t.members) mate"
        f" WHERE t.members ? {SUBJECT}::text"
    )
    return f"(user_id = {SUBJECT} OR ((SELECT {_HELD} && ARRAY[{wanted}]) AND user_id IN ({mates})))"


def upgrade() -> None:
    """Create the tables, let approvers see what they are asked about, and teams their time."""
    migrate.run("""
        CREATE TABLE team_copy (
            tenant_id uuid NOT NULL,
            team_id uuid NOT NULL,
            name text NOT NULL,
            members jsonb NOT NULL,
            dissolved boolean NOT NULL,
            at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, team_id)
        );
        CREATE TABLE ticket_approval (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            ticket_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            by text NOT NULL CHECK (by IN ('CUSTOMER', 'TEAM')),
            team_id uuid,
            title text NOT NULL,
            description text,
            question text,
            approvers jsonb NOT NULL,
            votes jsonb NOT NULL,
            quorum integer NOT NULL CHECK (quorum > 0),
            status text NOT NULL CHECK (status IN ('PENDING', 'APPROVED', 'REJECTED', 'WITHDRAWN', 'LAPSED')),
            decided_at timestamptz,
            ticket_contact_id uuid,
            ticket_opened_by uuid NOT NULL,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id),
            CHECK ((by = 'TEAM') = (team_id IS NOT NULL)),
            FOREIGN KEY (tenant_id, ticket_id) REFERENCES ticket (tenant_id, id)
        );
        CREATE INDEX ticket_approval_of_ticket ON ticket_approval (tenant_id, ticket_id, created_at);
        CREATE INDEX ticket_approval_waiting ON ticket_approval (tenant_id, created_at) WHERE status = 'PENDING';
        CREATE UNIQUE INDEX ticket_approval_once ON ticket_approval
            (tenant_id, ticket_id, by, COALESCE(team_id, '00000000-0000-0000-0000-000000000000'))
            WHERE status = 'PENDING';
        ALTER TABLE contact_copy ADD COLUMN roles jsonb NOT NULL DEFAULT '[]';
        ALTER TABLE contact_copy ADD COLUMN active boolean NOT NULL DEFAULT true;
        ALTER TABLE desk_settings ADD COLUMN changes_need_approval boolean NOT NULL DEFAULT false;
    """)
    migrate.protect("team_copy")
    migrate.protect("ticket_approval", customer="customer_id")
    asked = f"approvers ? {CONTACT}::text"
    mine = f"({asked} OR ticket_contact_id = {CONTACT} OR ticket_opened_by = {SUBJECT} OR created_by = {SUBJECT})"
    migrate.narrow("ticket_approval", read="tickets:read", write="tickets:write", own=mine)
    # Whoever is asked about a ticket sees it; the approvals themselves look at no ticket, or the two would ask each other for ever.
    tickets = (
        f"(created_by = {SUBJECT} OR assignee_id = {SUBJECT} OR contact_id = {CONTACT}"
        f" OR id IN (SELECT a.ticket_id FROM ticket_approval a WHERE {asked}))"
    )
    reads = ("time:read",)
    writes = ("time:write", "time:approve")
    migrate.run(f"""
        ALTER POLICY own_reads ON ticket USING ({_own(("tickets:read",), tickets)});
        ALTER POLICY own_reads ON time_entry USING ({_own(reads, _with_team((*reads, *writes)))});
        ALTER POLICY own_updates ON time_entry
            USING ({_own(writes, _with_team(writes))}) WITH CHECK ({_own(writes, _with_team(writes))});
        ALTER POLICY own_inserts ON time_entry WITH CHECK ({_own(writes, _with_team(("time:write",)))});
    """)
