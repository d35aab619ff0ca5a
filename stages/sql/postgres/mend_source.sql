UPDATE dvf_import.source SET rows = rows + $2, rejects = rejects - $2
WHERE edition = $1 AND stage = 'published'
