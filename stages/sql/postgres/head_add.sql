-- A head that is there already is left; its hash is compared with ours.
WITH told AS (
    INSERT INTO dvf_import.history (chain, number, hash, why) VALUES ($1, $2, $3, $4)
    ON CONFLICT (chain, number) DO NOTHING
    RETURNING hash)
SELECT hash FROM told
UNION ALL
SELECT hash FROM dvf_import.history WHERE chain = $1 AND number = $2
