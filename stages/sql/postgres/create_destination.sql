-- The destination's identity and its fence.
CREATE TABLE IF NOT EXISTS dvf_import.destination (
    only_one          boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    uuid              uuid NOT NULL,
    database_oid      oid NOT NULL,
    system_identifier bigint NOT NULL,
    token             bigint NOT NULL,
    holder            text NOT NULL,
    schema_version    integer NOT NULL
)
