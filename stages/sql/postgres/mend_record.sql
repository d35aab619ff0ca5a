-- A reject becomes a mended record, and its chunk counts it as a row. One and one, or it was none.
WITH gone AS (
    DELETE FROM dvf_import.reject WHERE edition = $1 AND record = $2
    RETURNING edition, year, record, plain_first, plain_end, column_name, reason, raw),
kept AS (
    INSERT INTO dvf_import.mended (edition, year, record, plain_first, plain_end, column_name, reason, raw, mended)
    SELECT edition, year, record, plain_first, plain_end, column_name, reason, raw, $3 FROM gone
    RETURNING record),
counted AS (
    UPDATE dvf_import.chunk c SET rows = c.rows + 1, rejects = c.rejects - 1
    FROM gone g
    WHERE c.edition = $1 AND c.plain_first <= g.plain_first AND g.plain_first < c.plain_end AND c.rejects > 0
    RETURNING c.plain_first)
SELECT (SELECT count(*) FROM kept), (SELECT count(*) FROM counted)
