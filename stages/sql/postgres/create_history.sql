-- Heads of the histories that were told to this destination: a ledger that was rewritten or shortened is found out.
CREATE TABLE IF NOT EXISTS dvf_import.history (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chain    text NOT NULL,
    number   bigint NOT NULL,
    hash     text NOT NULL,
    why      text NOT NULL,
    told_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (chain, number)
)
