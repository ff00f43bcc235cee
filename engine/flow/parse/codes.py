"""The codes of everything that a fleet file can be refused or warned for. One code per situation; numbers never change meaning."""

from __future__ import annotations

TOO_LARGE = "FLEET-101"
NOT_UTF8 = "FLEET-102"
FORBIDDEN_CHARACTER = "FLEET-103"
YAML_SYNTAX = "FLEET-104"
SEVERAL_DOCUMENTS = "FLEET-105"
TOO_DEEP = "FLEET-106"
ANCHOR = "FLEET-107"
ALIAS = "FLEET-108"
MERGE_KEY = "FLEET-109"
DUPLICATE_KEY = "FLEET-110"
COMPLEX_KEY = "FLEET-111"
KEY_NOT_TEXT = "FLEET-112"
UNSUPPORTED_TAG = "FLEET-113"
TAG_DISAGREES = "FLEET-114"
AMBIGUOUS_VALUE = "FLEET-115"
NUMBER_WITHOUT_JSON_FORM = "FLEET-116"
TOO_MANY_PROBLEMS = "FLEET-117"

NOT_A_FLEET_FILE = "FLEET-120"
VERSION_MISSING = "FLEET-121"
VERSION_UNKNOWN = "FLEET-122"
ACCOUNT_MISSING = "FLEET-123"
ACCOUNT_INVALID = "FLEET-124"
ACCOUNT_MISMATCH = "FLEET-125"
UNKNOWN_SECTION = "FLEET-126"
SECTION_NOT_A_MAP = "FLEET-127"
RESOURCE_NOT_A_MAP = "FLEET-128"

NAME_INVALID = "FLEET-130"
NAMES_ALIKE = "FLEET-131"
NAME_DIFFERS = "FLEET-132"
UNKNOWN_FIELD = "FLEET-133"
VALUE_INVALID = "FLEET-134"
CREDENTIAL = "FLEET-135"
REFERENCE_CYCLE = "FLEET-136"
CONSTRAINT_BROKEN = "FLEET-137"

TARGET_UNKNOWN = "FLEET-151"
PINNED_VERSION_UNKNOWN = "FLEET-152"
REQUIRED_FIELD_MISSING = "FLEET-153"
REFERENCE_UNPINNED = "FLEET-154"
HARDLY_MEANT = "FLEET-155"

CODES: dict[str, str] = {
    TOO_LARGE: "The file is larger than the limit.",
    NOT_UTF8: "The file is not UTF-8.",
    FORBIDDEN_CHARACTER: "A character that YAML does not allow, or that YAML 1.1 and 1.2 read differently.",
    YAML_SYNTAX: "The file is not YAML, or only some YAML readers accept it.",
    SEVERAL_DOCUMENTS: "The file contains more than one YAML document.",
    TOO_DEEP: "A value is nested deeper than 32 levels.",
    ANCHOR: "An anchor (`&name`).",
    ALIAS: "An alias (`*name`).",
    MERGE_KEY: "A merge key (`<<`).",
    DUPLICATE_KEY: "A key appears twice in one map.",
    COMPLEX_KEY: "A key is a map or a list, for example the `{{ name }}` of a template.",
    KEY_NOT_TEXT: "A key is a number, a boolean or null instead of text.",
    UNSUPPORTED_TAG: "A tag that is not a YAML core tag, or a `%TAG` directive.",
    TAG_DISAGREES: "A core tag that does not match its value.",
    AMBIGUOUS_VALUE: "A value that YAML readers understand differently, or that has several spellings.",
    NUMBER_WITHOUT_JSON_FORM: "A number without a JSON form: infinite, not a number, or beyond 64 bits.",
    TOO_MANY_PROBLEMS: "Reading stopped because of too many problems.",
    NOT_A_FLEET_FILE: "The top level is not a map, or the file is a Git LFS pointer or encrypted.",
    VERSION_MISSING: "`version` is missing.",
    VERSION_UNKNOWN: "`version` is not 1.",
    ACCOUNT_MISSING: "`account` is missing.",
    ACCOUNT_INVALID: "`account` is not a valid name.",
    ACCOUNT_MISMATCH: "The file and the repository have different accounts.",
    UNKNOWN_SECTION: "An unknown section.",
    SECTION_NOT_A_MAP: "A section is not a map of resources.",
    RESOURCE_NOT_A_MAP: "A resource is not a map of fields.",
    NAME_INVALID: "A resource's name is not allowed.",
    NAMES_ALIKE: "Two names in a section differ only by case.",
    NAME_DIFFERS: "A resource's `name` differs from its key.",
    UNKNOWN_FIELD: "An unknown field.",
    VALUE_INVALID: "A field's value has the wrong type, or is not allowed.",
    CREDENTIAL: "A key that looks like a credential, in a section where credentials are not allowed.",
    REFERENCE_CYCLE: "Resources refer to one another in a cycle.",
    CONSTRAINT_BROKEN: "A rule between resources of the file is broken.",
    TARGET_UNKNOWN: "Warning: a reference names a resource that is not in this file.",
    PINNED_VERSION_UNKNOWN: "Warning: a pin names a version that this file does not declare.",
    REQUIRED_FIELD_MISSING: "Warning: a field that is required to create the resource is not declared.",
    REFERENCE_UNPINNED: "Warning: a reference does not pin a version.",
    HARDLY_MEANT: "Warning: a value is allowed but probably a mistake, such as one address for two virtual IPs.",
}
"""Every code with its meaning in one line, in the order of the numbers."""
