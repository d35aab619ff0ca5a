-- Beside which edition of live ($2) the served one of the year is what staging is to have.
UPDATE dvf_import.source SET under = $2
WHERE year = $1 AND stage = 'published' AND under IS DISTINCT FROM $2
