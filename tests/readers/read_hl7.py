"""Reads HL7 messages strictly: `read_hl7.py REPORT_FOLDER [MESSAGE...]`.

The message of the report must say what its record says; further messages, of other versions, must be valid.
"""

import sys
from pathlib import Path

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from report import given


def strictly(path):
    text = Path(path).read_bytes().decode("utf-8")
    message = parse_message(text, validation_level=VALIDATION_LEVEL.STRICT, find_groups=True)
    assert message.validate(), path
    assert message.to_er7() + "\r" == text, f"{path}: what was read differs from what was written"
    return message


def observations(message):
    found = {}
    for result in message.children:
        if not result.name.endswith("PATIENT_RESULT"):
            continue
        for order in result.oru_r01_order_observation:
            for group in order.oru_r01_observation:
                obx = group.obx
                code = obx.obx_3.obx_3_1.to_er7()
                assert code not in found, code
                found[code] = obx
    return found


report = given()
message = strictly(report.file("hl7"))
count = report.count
assert message.msh.msh_10.to_er7() == report.job[:20]
assert message.msh.msh_12.to_er7() == "2.5.1"
patient = message.oru_r01_patient_result.oru_r01_patient.pid
order = report.record["order"]
assert patient.pid_3.pid_3_1.to_er7() == order["patient"]["id"]
assert patient.pid_5.pid_5_1.to_er7() == order["patient"]["family_name"]
request = message.oru_r01_patient_result.oru_r01_order_observation
status = report.status("P", "F", "C")
assert request.obr.obr_25.to_er7() == status
assert report.footer in [note.nte_3.to_er7() for note in request.nte]
assert request.oru_r01_specimen.spm.spm_2.to_er7() == f"^{report.record['accession']}"

found = observations(message)
low, high = report.widest()
assert found["SCHISTO-PCT"].obx_5.to_er7() == f"{count['percent']:.2f}"
assert found["SCHISTO-PCT"].obx_6.obx_6_1.to_er7() == "%"
assert found["SCHISTO-CI"].obx_5.to_er7() == f"^{low:.2f}^-^{high:.2f}"
assert found["RBC-N"].obx_5.to_er7() == str(count["red_cells"])
assert found["SCHISTO-N"].obx_5.to_er7() == str(count["schistocytes"])
assert found["SCHISTO-PRES"].obx_3.obx_3_4.to_er7() == "800-3"
assert found["SCHISTO-STATE"].obx_5.obx_5_1.to_er7() == count["state"].replace("_", "").upper()
flags = {"above": "H", "not_above": "N", "not_assessable": ""}
assert found["SCHISTO-PCT"].obx_8.to_er7() == flags.get(count["state"], "IND")
placed = count["state"] in ("above", "not_above", "indeterminate")
assert bool(found["SCHISTO-PCT"].obx_7.to_er7()) == placed, "a limit only where the value is placed against it"
for name, cells in report.sent_classes():
    assert found[f"RBC-{name.upper()}"].obx_5.to_er7() == ("" if cells is None else str(cells)), name
for obx in found.values():
    assert obx.obx_11.to_er7() == (status if obx.obx_5.to_er7() else "X"), code

others = [strictly(path) for path in sys.argv[2:]]
versions = sorted({other.msh.msh_12.to_er7() for other in others})
print(f"hl7: {len(found)} observations as in the record; {len(others)} further messages valid, versions {versions}")
