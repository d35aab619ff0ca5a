-- The witness: one row a chunk, written in the transaction that brings its rows.
CREATE TABLE IF NOT EXISTS dvf_import.chunk (
    edition      text NOT NULL,
    plain_first  bigint NOT NULL,
    plain_end    bigint NOT NULL,
    first_record bigint NOT NULL,
    rows         bigint NOT NULL,
    rejects      bigint NOT NULL,
    crc32        bigint NOT NULL,
    CHECK (plain_first < plain_end)
) PARTITION BY LIST (edition)
