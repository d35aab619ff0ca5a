-- Heads of the histories that were told to this destination: a ledger that was rewritten or shortened is found out.
CREATE TABLE IF NOT EXISTS dvf_import.history (
    chain   text NOT NULL,
    number  bigint NOT NULL,
    hash    text NOT NULL,
    why     text NOT NULL,
    told_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (chain, number)
)
