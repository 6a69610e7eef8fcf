"""The tables and columns of the OMOP Common Data Model that circe reads, with their types.

CDM 5.4 [1], with the columns of earlier releases that circe still names.

References
----------
[1] OHDSI. "OMOP Common Data Model v5.4." https://ohdsi.github.io/CommonDataModel/cdm54.html
"""

_COLUMNS = {
    "person": "person_id gender_concept_id year_of_birth race_concept_id ethnicity_concept_id",
    "observation_period": "observation_period_id person_id observation_period_start_date "
    "observation_period_end_date period_type_concept_id",
    "condition_occurrence": "condition_occurrence_id person_id condition_concept_id "
    "condition_start_date condition_end_date condition_type_concept_id "
    "condition_status_concept_id stop_reason provider_id visit_occurrence_id "
    "condition_source_concept_id",
    "condition_era": "condition_era_id person_id condition_concept_id condition_era_start_date "
    "condition_era_end_date condition_occurrence_count",
    "death": "person_id death_date death_type_concept_id cause_concept_id cause_source_concept_id",
    "device_exposure": "device_exposure_id person_id device_concept_id "
    "device_exposure_start_date device_exposure_end_date device_type_concept_id unique_device_id "
    "quantity provider_id visit_occurrence_id device_source_concept_id",
    "dose_era": "dose_era_id person_id drug_concept_id unit_concept_id dose_value "
    "dose_era_start_date dose_era_end_date",
    "drug_era": "drug_era_id person_id drug_concept_id drug_era_start_date drug_era_end_date "
    "drug_exposure_count gap_days",
    "drug_exposure": "drug_exposure_id person_id drug_concept_id drug_exposure_start_date "
    "drug_exposure_end_date drug_type_concept_id stop_reason refills quantity days_supply "
    "route_concept_id effective_drug_dose dose_unit_concept_id lot_number provider_id "
    "visit_occurrence_id drug_source_concept_id",
    "measurement": "measurement_id person_id measurement_concept_id measurement_date "
    "measurement_type_concept_id operator_concept_id value_as_number value_as_concept_id "
    "value_as_string unit_concept_id range_low range_high provider_id visit_occurrence_id "
    "measurement_source_concept_id",
    "observation": "observation_id person_id observation_concept_id observation_date "
    "observation_type_concept_id value_as_number value_as_string value_as_concept_id "
    "qualifier_concept_id unit_concept_id provider_id visit_occurrence_id "
    "observation_source_concept_id",
    "payer_plan_period": "payer_plan_period_id person_id payer_plan_period_start_date "
    "payer_plan_period_end_date payer_concept_id payer_source_concept_id plan_concept_id "
    "plan_source_concept_id sponsor_concept_id sponsor_source_concept_id stop_reason_concept_id "
    "stop_reason_source_concept_id",
    "procedure_occurrence": "procedure_occurrence_id person_id procedure_concept_id "
    "procedure_date procedure_type_concept_id modifier_concept_id quantity provider_id "
    "visit_occurrence_id procedure_source_concept_id",
    "specimen": "specimen_id person_id specimen_concept_id specimen_type_concept_id "
    "specimen_date quantity unit_concept_id anatomic_site_concept_id disease_status_concept_id "
    "specimen_source_id specimen_source_concept_id visit_occurrence_id",
    "visit_occurrence": "visit_occurrence_id person_id visit_concept_id visit_start_date "
    "visit_end_date visit_type_concept_id provider_id care_site_id visit_source_concept_id",
    "visit_detail": "visit_detail_id person_id visit_detail_concept_id visit_detail_start_date "
    "visit_detail_end_date visit_detail_type_concept_id provider_id care_site_id "
    "visit_occurrence_id visit_detail_source_concept_id discharged_to_concept_id "
    "discharge_to_concept_id",
    "provider": "provider_id specialty_concept_id",
    "care_site": "care_site_id place_of_service_concept_id location_id",
    "location": "location_id region_concept_id",
    "location_history": "location_id entity_id domain_id start_date end_date",
    "concept": "concept_id concept_name domain_id vocabulary_id concept_class_id "
    "standard_concept concept_code invalid_reason",
    "concept_ancestor": "ancestor_concept_id descendant_concept_id",
    "concept_relationship": "concept_id_1 concept_id_2 relationship_id invalid_reason",
}
_TEXT = {
    "stop_reason", "unique_device_id", "lot_number", "value_as_string", "specimen_source_id",
    "domain_id", "vocabulary_id", "concept_class_id", "relationship_id", "concept_name",
    "standard_concept", "concept_code", "invalid_reason",
}  # fmt: skip
_DECIMAL = {
    "quantity", "dose_value", "effective_drug_dose", "value_as_number", "range_low", "range_high",
}  # fmt: skip


def _kind(column: str) -> str:
    if column in _TEXT:
        return "VARCHAR"
    if column in _DECIMAL:
        return "DOUBLE"
    return "DATE" if column.endswith("_date") else "BIGINT"


TABLES = {
    table: {column: _kind(column) for column in columns.split()}
    for table, columns in _COLUMNS.items()
}
"""Table → column → type in DuckDB."""
