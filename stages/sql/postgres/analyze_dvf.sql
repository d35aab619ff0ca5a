-- The columns people join, group and filter by. Up to PostgreSQL 17 this takes them in every partition once more. What somebody
-- else has locked is left out.
ANALYZE (SKIP_LOCKED) :dvf (id_mutation, date_mutation, nature_mutation, code_postal, code_commune, code_departement,
                            id_parcelle, type_local, source_year)
