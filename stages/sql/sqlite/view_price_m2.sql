-- What a square metre of dwelling costs, by year, commune and kind: only sales that tell it, with one dwelling and one price.
CREATE VIEW dvf_price_m2 AS /* made by dvf-import, version 1 */
SELECT source_year, code_departement, code_commune, min(nom_commune) AS nom_commune, type_local,
    count(*) AS nombre_ventes,
    round(avg(CASE WHEN place IN ((many + 1) / 2, (many + 2) / 2) THEN m2 END), 2) AS prix_m2_median,
    round(sum(valeur_fonciere) * 1.0 / sum(surface_logements), 2) AS prix_m2_moyen
FROM (SELECT *, count(*) OVER same AS many, row_number() OVER (same ORDER BY m2) AS place
    FROM (SELECT *, valeur_fonciere * 1.0 / surface_logements AS m2,
            CASE WHEN nombre_maisons = 1 THEN 'Maison' ELSE 'Appartement' END AS type_local
        FROM dvf_sale
        WHERE nature_mutation = 'Vente' AND valeur_fonciere > 0 AND surface_logements > 0
            AND nombre_logements = 1 AND nombre_locaux_activite = 0 AND nombre_communes = 1)
    WINDOW same AS (PARTITION BY source_year, code_departement, code_commune, type_local))
GROUP BY source_year, code_departement, code_commune, type_local
