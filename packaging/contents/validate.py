"""Validates bills of materials against the schema of CycloneDX 1.5 with the project's own library, without a network.

In: paths of JSON bills. Out: a line for each; exit code 1 at the first that is not valid. Checked beside the schema: each
component has a version and a licence, each reference of a dependency exists, no path of a machine is named.
"""

import json
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def faults(text: str) -> list[str]:
    """What is wrong with a bill; empty where nothing is."""
    error = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
    if error is not None:
        return [f"schema: {error}"[:1000]]
    bill = json.loads(text)
    components = [bill["metadata"]["component"], *bill["components"]]
    known = {component["bom-ref"] for component in components}
    for component in bill["metadata"]["component"].get("components", []):
        known.add(component["bom-ref"])
    found = [f"{c['name']}: no version" for c in components if not c.get("version")]
    found += [f"{c['name']}: no licence" for c in components if not c.get("licenses")]
    for dependency in bill["dependencies"]:
        found += [f"{reference}: no component" for reference in [dependency["ref"], *dependency.get("dependsOn", [])] if reference not in known]
    found += [f"a path of a machine: {word}" for word in ("file:///", "/home/", "/root/", "/tmp/") if word in text]
    return found


def main() -> None:
    """Checks each bill; then that the check can fail."""
    for path in sys.argv[1:]:
        text = Path(path).read_text()
        found = faults(text)
        if found:
            raise SystemExit("\n".join([f"{path}:", *found[:10]]))
        broken = json.loads(text)
        del broken["components"][0]["version"]
        broken["components"][1]["type"] = "no such type"
        if not faults(json.dumps(broken)):
            raise SystemExit(f"{path}: a broken copy was found valid: the check does not work")
        print(f"-- {Path(path).name}: valid CycloneDX 1.5")


if __name__ == "__main__":
    main()
