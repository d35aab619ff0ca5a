-- Which database a promote or revert meant to make live, before it did: so that saying it again never swaps twice.
CREATE TABLE IF NOT EXISTS dvf_import.swap (
    number     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text NOT NULL CHECK (kind IN ('promote', 'revert')),
    live       uuid NOT NULL,
    instead_of uuid,
    outgoing   oid, -- the database that has to make room, and is dropped afterwards
    run        text NOT NULL,
    meant_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at    timestamptz
)
