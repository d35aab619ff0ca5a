-- What a square metre of dwelling costs, by year, commune and kind: only sales that tell it, with one dwelling and one price.
CREATE OR REPLACE VIEW :schema.dvf_price_m2 :options AS
SELECT source_year, code_departement, code_commune, min(nom_commune) AS nom_commune,
       CASE WHEN nombre_maisons = 1 THEN 'Maison' ELSE 'Appartement' END AS type_local,
       count(*)::integer AS nombre_ventes,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY (valeur_fonciere / surface_logements)::double precision)::numeric, 2)
           AS prix_m2_median,
       round(sum(valeur_fonciere) / sum(surface_logements), 2) AS prix_m2_moyen
FROM :schema.dvf_sale
WHERE nature_mutation = 'Vente' AND valeur_fonciere > 0 AND surface_logements > 0
  AND nombre_logements = 1 AND nombre_locaux_activite = 0 AND nombre_communes = 1
GROUP BY source_year, code_departement, code_commune, nombre_maisons
