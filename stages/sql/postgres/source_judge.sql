UPDATE dvf_import.source SET stage = $2, why = $3, under = $4 WHERE edition = $1
