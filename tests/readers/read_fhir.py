"""Reads FHIR bundles with the R4B models of `fhir.resources`: `read_fhir.py REPORT_FOLDER [BUNDLE...]`.

The models refuse unknown members and wrong types. The bundle of the report must say what its record says.
"""

import sys
from decimal import Decimal
from pathlib import Path

from fhir.resources.R4B.bundle import Bundle

from report import given


def strictly(path):
    bundle = Bundle.model_validate_json(Path(path).read_bytes())
    assert bundle.type == "collection"
    for entry in bundle.entry:
        # Entries are read as their own kind again, not only as some resource.
        type(entry.resource).model_validate_json(entry.resource.model_dump_json())
    return bundle


def observations(bundle):
    found = [entry.resource for entry in bundle.entry if entry.resource.get_resource_type() == "Observation"]
    return {observation.code.coding[0].code: observation for observation in found}


report = given()
bundle = strictly(report.file("fhir.json"))
count, order = report.count, report.record["order"]
assert bundle.identifier.value == report.job
resources = {entry.resource.get_resource_type(): entry.resource for entry in bundle.entry}
diagnostic = resources["DiagnosticReport"]
status = report.status("preliminary", "final", "amended")
assert diagnostic.status == status
said = f"{report.record['statement']} {report.footer}"
assert diagnostic.conclusion.startswith(said)
if report.review:
    assert report.review["signed_by"]["name"] in diagnostic.conclusion.removeprefix(said)
else:
    assert diagnostic.conclusion == said
assert diagnostic.subject.identifier.value == order["patient"]["id"]
assert resources["Specimen"].accessionIdentifier.value == report.record["accession"]
urls = [entry.fullUrl for entry in bundle.entry]
assert len(set(urls)) == len(urls) and all(result.reference in urls for result in diagnostic.result)

found = observations(bundle)
percent = found["SCHISTO-PCT"]
low, high = report.widest()


def near(quantity, expected):
    assert quantity.code == "%" and quantity.system == "http://unitsofmeasure.org"
    assert abs(quantity.value - Decimal(str(expected))) <= Decimal("0.005001"), (quantity.value, expected)


near(percent.valueQuantity, count["percent"])
components = {component.code.coding[0].code: component for component in percent.component}
near(components["SCHISTO-CI"].valueRange.low, low)
near(components["SCHISTO-CI"].valueRange.high, high)
assert components["RBC-N"].valueQuantity.value == count["red_cells"]
assert components["SCHISTO-N"].valueQuantity.value == count["schistocytes"]
for name, cells in report.sent_classes():
    quantity = found[f"RBC-{name.upper()}"].valueQuantity
    assert (quantity.value if quantity else None) == cells, name
assert components["SCHISTO-STATE"].valueCodeableConcept.coding[0].code == count["state"].replace("_", "").upper()
LABORATORY = {"hematology", "hemolysis", "coagulation", "renal", "adamts13", "complement"}
evidence = report.record["evidence"] or {"blocks": []}
given_items = [item for block in evidence["blocks"] if block["block"] in LABORATORY for item in block["items"]]
for item in given_items:
    observation = found.pop(item["code"])
    assert observation.status == "unknown" and "not measured by it" in observation.note[0].text
    if item["value"] is None:
        assert observation.valueString == item["value_text"]
    else:
        assert float(observation.valueQuantity.value) == item["value"], item["code"]
        assert observation.valueQuantity.code == item["unit"]
        sign = item["value_text"].split()[0]
        assert observation.valueQuantity.comparator == (sign if sign[0] in "<>" else None)
assert all(observation.status == status for observation in found.values())
if report.review:
    signer = resources["Practitioner"]
    assert signer.name[0].text == report.review["signed_by"]["name"]
    assert diagnostic.resultsInterpreter[0].reference in urls

for path in sys.argv[2:]:
    other = strictly(path)
    for observation in observations(other).values():
        valued = [name for name in observation.model_dump() if name.startswith("value")]
        assert bool(valued) != bool(observation.dataAbsentReason), observation.code
print(f"fhir: {len(found)} observations and {len(given_items)} of the panel as in the record; {len(sys.argv) - 2} further bundles valid")
