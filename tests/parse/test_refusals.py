"""What a fleet file is refused for: each with its code, line and column."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from engine.errors import FleetFileInvalid, Problem
from engine.flow.parse import CODES, DEFAULT_LIMIT, codes, file_warnings, read_fleet_file
from engine.kinds import Field, Kind, Kinds
from engine.kinds.fields import Ref
from engine.kinds.fleet import FLEET

HEAD = "version: 1\naccount: acme\n"


def problems_of(data: str | bytes, **options: str) -> list[Problem]:
    with pytest.raises(FleetFileInvalid) as caught:
        read_fleet_file(data.encode() if isinstance(data, str) else data, FLEET, **options)  # type: ignore[arg-type]
    return list(caught.value.problems)


def places(problems: Iterable[Problem]) -> list[tuple[str, int, int]]:
    return [(problem.code, problem.line, problem.column) for problem in problems]


def body(text: str) -> str:
    """A file whose third line begins with this text."""
    return HEAD + text


def value(text: str) -> str:
    """A file with this value in a free map, on line 6 from column 8."""
    return body(f"modules:\n  m:\n    config:\n      v: {text}\n")


V = (6, 10)

STRUCTURE = [
    ("an invalid byte", HEAD.encode() + b"x: \xff\n", codes.NOT_UTF8, 3, 4),
    ("a byte order mark and an invalid byte", b"\xef\xbb\xbf\xff", codes.NOT_UTF8, 1, 1),
    ("UTF-16 with a mark", HEAD.encode("utf-16"), codes.NOT_UTF8, 1, 1),
    ("UTF-16 without one", HEAD.encode("utf-16-le"), codes.NOT_UTF8, 1, 1),
    ("UTF-32", HEAD.encode("utf-32"), codes.NOT_UTF8, 1, 1),
    ("a surrogate in UTF-8", HEAD.encode() + b"x: \xed\xa0\x80\n", codes.NOT_UTF8, 3, 4),
    ("a control character", body('x: "\x01"\n'), codes.FORBIDDEN_CHARACTER, 3, 5),
    ("a NUL", body("x: \0\n"), codes.FORBIDDEN_CHARACTER, 3, 4),
    ("DEL", body("# é \x7f\n"), codes.FORBIDDEN_CHARACTER, 3, 5),
    ("U+FFFE", body("x: \ufffe\n"), codes.FORBIDDEN_CHARACTER, 3, 4),
    ("NEL, a line end of old", body("nodes:\n  # a\x85  b:\n"), codes.FORBIDDEN_CHARACTER, 4, 6),
    ("U+2028, a line end of old", body('nodes: {} # "\u2028"\n'), codes.FORBIDDEN_CHARACTER, 3, 14),
    ("a control character after the document", f"{HEAD}...\n# \x02\n", codes.FORBIDDEN_CHARACTER, 4, 3),
    ("a tab that indents", body("nodes:\n\ta: {}\n"), codes.YAML_SYNTAX, 4, 1),
    ("an open quote", body('nodes: {} # ok\nx: "a\n'), codes.YAML_SYNTAX, 5, 1),
    ("an open bracket", body("nodes: {a: }]\n"), codes.YAML_SYNTAX, 3, 13),
    ("a bad indent", body("nodes: {}\n modules: {}\n"), codes.YAML_SYNTAX, 4, 2),
    ("text after the document", "{version: 1, account: a}\nx", codes.YAML_SYNTAX, 2, 1),
    ("a YAML version of the future", f"%YAML 2.0\n---\n{HEAD}", codes.YAML_SYNTAX, 1, 1),
    ("an escape of half a character", value('"\\ud800"'), codes.YAML_SYNTAX, 6, 13),
    ("a second document", f"{HEAD}---\na: 1\n", codes.SEVERAL_DOCUMENTS, 3, 1),
    ("an empty second document", f"{HEAD}\n# c\n--- # d\n", codes.SEVERAL_DOCUMENTS, 5, 1),
    ("a second document after an end", f"{HEAD}...\nb: 1\n", codes.SEVERAL_DOCUMENTS, 4, 1),
    ("a control character long after the document", f"{HEAD}...\n{'# pad' * 20_000}\n# \x02\n", codes.FORBIDDEN_CHARACTER, 5, 3),
    ("a byte order mark and text after the document", "\ufeff{version: 1, account: a} x", codes.YAML_SYNTAX, 1, 26),
    ("a null tag on another spelling", value("!!null ~"), codes.AMBIGUOUS_VALUE, *V),
    ("depth 33", value("[" * 29 + "]" * 29), codes.TOO_DEEP, 6, 38),
    ("an anchor", value("&a 1"), codes.ANCHOR, *V),
    ("an anchor on a map", value("&a {b: 1}"), codes.ANCHOR, *V),
    ("an anchor on a key", value("{&a b: 1}"), codes.ANCHOR, 6, 11),
    ("an alias", value("*a"), codes.ALIAS, *V),
    ("an alias in a list", value("[1, *a]"), codes.ALIAS, 6, 14),
    ("an alias as a key", value("{*a : 1}"), codes.ALIAS, 6, 11),
    ("a merge key", value("{<<: {a: 1}}"), codes.MERGE_KEY, 6, 11),
    ("a key twice", value("{a: 1, b: 2, a: 3}"), codes.DUPLICATE_KEY, 6, 23),
    ("a key twice, quoted once", value("{a: 1, 'a': 3}"), codes.DUPLICATE_KEY, 6, 17),
    ("a resource twice", body("nodes:\n  a:\n  b:\n  a: {template: t}\n"), codes.DUPLICATE_KEY, 6, 3),
    ("a section twice", body("nodes:\nmodules:\nnodes:\n"), codes.DUPLICATE_KEY, 5, 1),
    ("the account twice", body("account: acme\n"), codes.DUPLICATE_KEY, 3, 1),
    ("a list as a key", value("{[a]: 1}"), codes.COMPLEX_KEY, 6, 11),
    ("a map as a key", value("{{a: 1}: 1}"), codes.COMPLEX_KEY, 6, 11),
    ("an integer as a key", value("{1: a}"), codes.KEY_NOT_TEXT, 6, 11),
    ("a float as a key", value("{1.5: a}"), codes.KEY_NOT_TEXT, 6, 11),
    ("a huge integer as a key", value("{99999999999999999999: a}"), codes.KEY_NOT_TEXT, 6, 11),
    ("a boolean as a key", value("{true: a}"), codes.KEY_NOT_TEXT, 6, 11),
    ("null as a key", value("{null: a}"), codes.KEY_NOT_TEXT, 6, 11),
    ("nothing as a key", value("{? : a}"), codes.KEY_NOT_TEXT, 6, 13),
    ("a tagged integer as a key", value("{!!int 1: a}"), codes.KEY_NOT_TEXT, 6, 11),
    ("a number as a name", body("nodes:\n  12:\n"), codes.KEY_NOT_TEXT, 4, 3),
    ("a tag of one's own", value("!secret x"), codes.UNSUPPORTED_TAG, *V),
    ("a tag on a map", value("!thing {a: 1}"), codes.UNSUPPORTED_TAG, *V),
    ("a tag on a list", value("!!set [a]"), codes.UNSUPPORTED_TAG, *V),
    ("a tag on a key", value("{!x a: 1}"), codes.UNSUPPORTED_TAG, 6, 11),
    ("a date tag", value("!!timestamp 2026-11-23"), codes.UNSUPPORTED_TAG, *V),
    ("a binary", value("!!binary aGk="), codes.UNSUPPORTED_TAG, *V),
    ("a Python object", value("!!python/object:os.system x"), codes.UNSUPPORTED_TAG, *V),
    ("a %TAG directive", f"# c\n%TAG ! tag:x,2000:\n---\n{HEAD}", codes.UNSUPPORTED_TAG, 2, 1),
    ("a tag that is not Unicode", value("!%ED%A0%80 x"), codes.UNSUPPORTED_TAG, 6, 8),
    ("an integer tag on text", value('!!int "x"'), codes.TAG_DISAGREES, *V),
    ("an integer tag on a boolean", value("!!int true"), codes.TAG_DISAGREES, *V),
    ("an integer tag on a float", value("!!int 1.5"), codes.TAG_DISAGREES, *V),
    ("a boolean tag on text", value("!!bool x"), codes.TAG_DISAGREES, *V),
    ("a boolean tag on an integer", value("!!bool 1"), codes.TAG_DISAGREES, *V),
    ("a float tag on text", value("!!float x"), codes.TAG_DISAGREES, *V),
    ("a null tag on text", value("!!null x"), codes.TAG_DISAGREES, *V),
    ("a map tag on a list", value("!!map [a]"), codes.TAG_DISAGREES, *V),
    ("a list tag on a map", value("!!seq {a: 1}"), codes.TAG_DISAGREES, *V),
    ("a text tag on a list", value("!!str [a]"), codes.TAG_DISAGREES, *V),
    ("a map tag on text", value("!!map x"), codes.TAG_DISAGREES, *V),
    ("a boolean tag on yes", value("!!bool yes"), codes.AMBIGUOUS_VALUE, *V),
    ("an integer tag on an octal number", value("!!int 012"), codes.AMBIGUOUS_VALUE, *V),
    *(
        (f"not a number: {text}", value(text), codes.NUMBER_WITHOUT_JSON_FORM, *V)
        for text in (".nan", ".NaN", ".inf", "-.inf", "+.Inf", ".INF", "1.0e+400", "18446744073709551616", "-9223372036854775809", "9" * 5000)
    ),
]  # fmt: skip

# What libyaml takes and YAML 1.2 reads otherwise, or does not allow: the code, and where.
DIFFERING = [
    ("? in a map", value("{ ?foo: bar }"), codes.AMBIGUOUS_VALUE, 6, 12),
    ("? in a list", value("[?x]"), codes.AMBIGUOUS_VALUE, 6, 11),
    ("? after a comma", value("[a, ?x]"), codes.AMBIGUOUS_VALUE, 6, 14),
    ("? in a line of its own", value("[a,\n        ?x ]"), codes.AMBIGUOUS_VALUE, 7, 9),
    ("? behind a comment", value("[a, # ?\n        ?x]"), codes.AMBIGUOUS_VALUE, 7, 9),
    ("? before quotes", value('[?"x"]'), codes.AMBIGUOUS_VALUE, 6, 11),
    ("# behind double quotes", value('"x"#c'), codes.YAML_SYNTAX, 6, 13),
    ("# behind single quotes", value("'x '#c"), codes.YAML_SYNTAX, 6, 14),
    ("# behind a list", value("[a]#c"), codes.YAML_SYNTAX, 6, 13),
    ("# behind a map", value("{a: b}#c"), codes.YAML_SYNTAX, 6, 16),
    ("# behind an opened bracket", value("[#c\n        a]"), codes.YAML_SYNTAX, 6, 11),
    ("# behind a comma", value("[a,#c\n        b]"), codes.YAML_SYNTAX, 6, 13),
    ("# behind a colon", value('{"a":#c\n        b}'), codes.YAML_SYNTAX, 6, 15),
    ("# behind the mark of a text", value(">#c\n        a"), codes.YAML_SYNTAX, 6, 11),
    ("# behind more marks of a text", value("|2-#c\n        a"), codes.YAML_SYNTAX, 6, 13),
    ("# behind a directive", f"%YAML 1.1#c\n---\n{HEAD}", codes.YAML_SYNTAX, 1, 10),
    ("# behind the whole file", '{"version": 1, "account": "a"}#c', codes.YAML_SYNTAX, 1, 31),
    ("- in a list", value("[-]"), codes.YAML_SYNTAX, 6, 11),
    ("- in a longer list", value("[a, -, b]"), codes.YAML_SYNTAX, 6, 14),
    ("- in a map", value("{a: -}"), codes.YAML_SYNTAX, 6, 14),
    ("a list at column 0", body("modules: {m: {config: {v: [a,\nb]}}}\n"), codes.YAML_SYNTAX, 4, 1),
    ("a map at column 0", body("nodes: {a: {},\nb: {}}\n"), codes.YAML_SYNTAX, 4, 1),
    ("a comma at column 0", body("nodes: {a: {}\n, b: {}}\n"), codes.YAML_SYNTAX, 4, 1),
    ("a list that is not deeper than its key", value("[a,\n      b]"), codes.YAML_SYNTAX, 7, 1),
    ("a list that is not deeper than its dash", value("\n      - [a,\n      b]"), codes.YAML_SYNTAX, 8, 1),
    ("double quotes at column 0", value('"x\ny"'), codes.YAML_SYNTAX, 7, 1),
    ("single quotes at column 0", value("'x\n# y'"), codes.YAML_SYNTAX, 7, 1),
    ("quotes that close at column 0", value('"x\n"'), codes.YAML_SYNTAX, 7, 1),
    ("quotes at column 0 in a list", value('["x\ny"]'), codes.YAML_SYNTAX, 7, 1),
    ("quotes at the top", body('nodes: {a: {template: "x\r\ny"}}\n'), codes.YAML_SYNTAX, 4, 1),
    ("a tab in quotes", value('"x\n\ty"'), codes.YAML_SYNTAX, 7, 1),
    ("a tab in an empty line in quotes", value('"x\n\t\n       y"'), codes.YAML_SYNTAX, 7, 1),
    ("a tab in a list", value("[\n\ta]"), codes.YAML_SYNTAX, 7, 1),
    ("a tab behind too few spaces", value("[a,\n  \tb]"), codes.YAML_SYNTAX, 7, 1),
    ("the mark of a text at the column of its key", value("\n      |\n        x"), codes.YAML_SYNTAX, 7, 7),
    ("the mark of a text at column 0", "version: 1\naccount:\n>-\n acme\n", codes.YAML_SYNTAX, 3, 1),
    ("blank lines deeper than a comment", value("|\n           \n        # c"), codes.AMBIGUOUS_VALUE, 8, 9),
    ("an end in deeper blanks", value("|\n       x\n         ")[:-1], codes.AMBIGUOUS_VALUE, 8, 1),
    ("an end in a tab", value(">\n       x\n       \t")[:-1], codes.AMBIGUOUS_VALUE, 8, 1),
    ("an end in blanks that are kept", value("|+\n       ")[:-1], codes.AMBIGUOUS_VALUE, 7, 1),
]  # fmt: skip

NEAR = [
    '"x" #c', "'x'\t#c", "[a, b] # c", "{a: b} # c", "[a, # c\n        b]", "[ # c\n        b]", "| # c\n       x", ">- # [a]#c\n       x",
    "a#b", "a#", "x'#y", 'x"#y', "a]#b", "a,#b", "a:#b", "http://h/?q=1#top", "https://h/#?x", "?x", "-x", "'?x'", '["?x"]', '"#fff"', "'#fff'", '["#fff", "#000"]',
    "[a?b, ?  k : v, http://h/?q=1]", "{a: http://h/?a, b?: c}", "{? k : v}", "[-x, --, a-, '-']", "{-: x, a-: -b}", "[a b -, c]", '"[-] {?x} ]#c"', "'\"x\"#c'",
    '|\n       "x"#c [?x] ,#c [-]\n       >#c\n      # c', "|\n       - |\n       # not\n         >", ">\n\n       x\n      \n", "x # \"x\"#c ]#c [?x]",
    "[a,\n       b]", "[\n        a,\n      ]", "{\n        a: b\n    }", "[a,\n# c\n\n\t\n       b]", "[a,\n       \tb,\n\t]", '"x\n       y"', '"x\n\n       \ty"',
    '"x\\\n       \\ty"', "\n       |\n        x", "\n       [a,\n       b]", "\n      - [a,\n       b]\n      - |\n       x", "|2\n           \n        # c",
    "|\n       \n        # c", "|\n           \n      # c", "|\n           \n   # c", "|-\n       x\n          ", "|\n       x\n      ", "|\n       x\n    # c\n            ", "x   ",
]  # fmt: skip

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
CONFLICT = "modules:\n<<<<<<< HEAD\n  a: {}\n=======\n  b: {}\n>>>>>>> feature\n"

# Well-known accidents: the code, where, and a word that names what happened.
ACCIDENTS = [
    ("a Git LFS pointer", LFS, codes.NOT_A_FLEET_FILE, 1, 1, "Git LFS"),
    ("a pointer with a mark", LFS.replace("\n", "\r\n"), codes.NOT_A_FLEET_FILE, 1, 1, "Git LFS"),
    ("git-crypt", b"\0GITCRYPT\0\x9d\xff\0", codes.NOT_UTF8, 1, 1, "git-crypt"),
    ("ansible-vault", "$ANSIBLE_VAULT;1.1;AES256\n3332\n", codes.NOT_A_FLEET_FILE, 1, 1, "ansible-vault"),
    ("PGP", "-----BEGIN PGP MESSAGE-----\n\nhQ\n", codes.NOT_A_FLEET_FILE, 1, 1, "PGP"),
    ("age", "-----BEGIN AGE ENCRYPTED FILE-----\nYW\n", codes.NOT_A_FLEET_FILE, 1, 1, "age"),
    ("age in binary", b"age-encryption.org/v1\n-> X25519 \xff", codes.NOT_A_FLEET_FILE, 1, 1, "age"),
    ("sops", 'version: "ENC[AES256_GCM,data:x]"\nnodes: {}\nsops: {mac: "ENC[x]", age: []}\n', codes.NOT_A_FLEET_FILE, 3, 1, "sops"),
    ("gzip", b"\x1f\x8b\x08\0", codes.NOT_UTF8, 1, 1, "gzip"),
    ("a zip archive", b"PK\x03\x04\x14\0", codes.NOT_UTF8, 1, 1, "zip"),
    ("another binary", b"\x89PNG\r\n\x1a\n\0\0", codes.NOT_UTF8, 1, 1, "binary"),
    ("a value in the vault of Ansible", value("!vault |\n        x"), codes.UNSUPPORTED_TAG, 6, 10, "Vault"),
    ("a merge conflict", body(CONFLICT), codes.YAML_SYNTAX, 4, 1, "merge conflict"),
    ("a merge conflict with CRLF", body(CONFLICT).replace("\n", "\r\n"), codes.YAML_SYNTAX, 4, 1, "merge conflict"),
    ("a merge conflict with its base", body(CONFLICT.replace("=", "||||||| 1a\n  c: {}\n=", 1)), codes.YAML_SYNTAX, 4, 1, "merge conflict"),
    ("a merge conflict in JSON", '{"version": 1,\n<<<<<<< HEAD\n"account": "a"\n=======\n"account": "b"\n>>>>>>> x\n}', codes.YAML_SYNTAX, 2, 1, "merge conflict"),
    ("the rest of a merge conflict", body("nodes: {}\n=======\nmodules: {}\n"), codes.YAML_SYNTAX, 4, 1, "======="),
    ("the end of a merge conflict", body("nodes: {}\n>>>>>>> feature\n"), codes.YAML_SYNTAX, 4, 1, ">>>>>>>"),
    ("half of a character", value('"\\ud83d"'), codes.YAML_SYNTAX, 6, 13, "half of a character"),
    ("the other half", value('"\\ude00"'), codes.YAML_SYNTAX, 6, 13, "half of a character"),
    ("halves in the wrong order", value('"\\ude00\\ud83d"'), codes.YAML_SYNTAX, 6, 13, "half of a character"),
    ("a half behind a whole", value('"\\ud83d\\ude00\\ud83d"'), codes.YAML_SYNTAX, 6, 25, "half of a character"),
    ("a half behind a backslash", value('"\\\\ud83d\\ude00"'), codes.YAML_SYNTAX, 6, 20, "half of a character"),
    ("a template", value("{{ name }}"), codes.COMPLEX_KEY, 6, 11, "templates"),
    ("a template of 1", value("{{1}}"), codes.COMPLEX_KEY, 6, 11, "templates"),
    ("a template in a name", body("nodes:\n  {{ name }}: {}\n"), codes.COMPLEX_KEY, 4, 4, "templates"),
    ("a template of Jinja", body("{% if x %}\nnodes: {}\n{% endif %}\n"), codes.YAML_SYNTAX, 3, 2, "templates"),
]  # fmt: skip

AMBIGUOUS = re.findall(r"\S+", """
    yes Yes YES no No NO on On ON off Off OFF y Y n N yEs True TRUE tRUE False FALSE Null NULL nULL ~
    012 0o17 0x1F 0b1 00 08 -012 1_000 1_0.5 +1 +1.5 1:30 1:30:00 190:20:30 1:30.5 2026-11-23 2026-11-23T10:00:00Z
    2026-1-2T1:00:00+01:00 2001-12-14t21:59:43.10-05:00 1e5 1E5 1e-5 -1e5 1.0e16 .5 1. -.5 01.5 1.e+5 0.1_5 0o7 0x_ = <<
""")  # fmt: skip

MEANING = [
    ("nothing", "", codes.ACCOUNT_MISSING, 1, 1),
    ("a list", "- a\n", codes.NOT_A_FLEET_FILE, 1, 1),
    ("text", "\nfleet\n", codes.NOT_A_FLEET_FILE, 2, 1),
    ("no version", "account: acme\n", codes.VERSION_MISSING, 1, 1),
    ("no account", "version: 1\n", codes.ACCOUNT_MISSING, 1, 1),
    *((f"version {text}", f"account: a\nversion: {text}\n", codes.VERSION_UNKNOWN, 2, 10) for text in ("2", "1.0", '"1"', "true", "null", "{a: 1}", "0")),
    *((f"account {text}", f"version: 1\naccount: {text}\n", codes.ACCOUNT_INVALID, 2, 10) for text in ("12", "null", "[a]", "a/b", '""', '"a "', "true")),
    ("an ambiguous account", "version: 1\naccount: 012\n", codes.AMBIGUOUS_VALUE, 2, 10),
    ("an unknown section", body("modulse: {}\n"), codes.UNKNOWN_SECTION, 3, 1),
    ("a section that is a list", body("nodes:\n  - a\n"), codes.SECTION_NOT_A_MAP, 4, 3),
    ("a section that is text", body("nodes: web\n"), codes.SECTION_NOT_A_MAP, 3, 8),
    ("a section that is false", body("nodes: false\n"), codes.SECTION_NOT_A_MAP, 3, 8),
    ("a resource that is text", body("nodes:\n  a: web\n"), codes.RESOURCE_NOT_A_MAP, 4, 6),
    ("a resource that is an empty list", body("nodes:\n  a: []\n"), codes.RESOURCE_NOT_A_MAP, 4, 6),
    *(
        (f"the name {name}", body(f"nodes:\n  {name}:\n"), codes.NAME_INVALID, 4, 3)
        for name in ('""', "a/b", "a:b", "a@b", ".", "..", '" a"', '"a\\u202eb"', '"a\\nb"', '"e\\u0301"', "x" * 256)
    ),
    ("a composite key of one part", body("assignments:\n  a:\n"), codes.NAME_INVALID, 4, 3),
    ("a composite key of three parts", body("assignments:\n  a:b:c:\n"), codes.NAME_INVALID, 4, 3),
    ("a composite key with an empty part", body("assignments:\n  'a:':\n"), codes.NAME_INVALID, 4, 3),
    ("names alike", body("nodes:\n  web:\n  db:\n  Web:\n"), codes.NAMES_ALIKE, 6, 3),
    ("names alike beyond ASCII", body("nodes:\n  straße:\n  STRASSE:\n"), codes.NAMES_ALIKE, 5, 3),
    ("another name", body("nodes:\n  a:\n    name: b\n"), codes.NAME_DIFFERS, 5, 11),
    ("a name that is a number", body('nodes:\n  "12":\n    name: 12\n'), codes.NAME_DIFFERS, 5, 11),
    ("a name that is null", body("nodes:\n  a:\n    name:\n"), codes.NAME_DIFFERS, 5, 10),
    ("a name where the key is composite", body("assignments:\n  a:b:\n    name: a:b\n"), codes.UNKNOWN_FIELD, 5, 5),
    ("an unknown field", body("nodes:\n  a:\n    label: {}\n"), codes.UNKNOWN_FIELD, 5, 5),
    ("listed versions that are no list", body("modules:\n  a:\n    versions: 1.0\n"), codes.VALUE_INVALID, 5, 15),
    ("null for the listed versions", body("modules:\n  a:\n    versions:\n"), codes.VALUE_INVALID, 5, 14),
    ("a listed version that is a number", body("modules:\n  a:\n    versions: [1.0]\n"), codes.VALUE_INVALID, 5, 16),
    ("a listed version without a character", body('modules:\n  a:\n    versions: [""]\n'), codes.VALUE_INVALID, 5, 16),
    ("a version that is listed twice", body("modules:\n  a:\n    versions: [v1, v2, v1]\n"), codes.VALUE_INVALID, 5, 24),
    ("listed versions of what has none", body("nodes:\n  a:\n    versions: [v1]\n"), codes.UNKNOWN_FIELD, 5, 5),
    ("text for an integer", body("modules:\n  a:\n    priority: high\n"), codes.VALUE_INVALID, 5, 15),
    ("a quoted integer", body('modules:\n  a:\n    priority: "5"\n'), codes.VALUE_INVALID, 5, 15),
    ("a boolean for an integer", body("modules:\n  a:\n    priority: true\n"), codes.VALUE_INVALID, 5, 15),
    ("a float for an integer", body("modules:\n  a:\n    priority: 5.0\n"), codes.VALUE_INVALID, 5, 15),
    ("a negative priority", body("modules:\n  a:\n    priority: -1\n"), codes.VALUE_INVALID, 5, 15),
    ("an integer beyond the store", body("modules:\n  a:\n    priority: 9223372036854775808\n"), codes.VALUE_INVALID, 5, 15),
    ("an integer for a boolean", body("assignments:\n  a:b: {enabled: 1}\n"), codes.VALUE_INVALID, 4, 18),
    ("a number for a string", body("modules:\n  a:\n    version: 1.5\n"), codes.VALUE_INVALID, 5, 14),
    ("an unknown choice", body("modules:\n  a:\n    variety: Config\n"), codes.VALUE_INVALID, 5, 14),
    ("null for a string", body("modules:\n  a:\n    description:\n"), codes.VALUE_INVALID, 5, 17),
    ("null for a map", body("modules:\n  a:\n    config:\n"), codes.VALUE_INVALID, 5, 12),
    ("a list for a map", body("modules:\n  a:\n    config: [a]\n"), codes.VALUE_INVALID, 5, 13),
    ("a name for a list of names", body("modules:\n  a:\n    depends_on: b\n"), codes.VALUE_INVALID, 5, 17),
    ("an integer in a list of names", body("modules:\n  a:\n    depends_on:\n      - b\n      - 1\n"), codes.VALUE_INVALID, 7, 9),
    ("a reference twice", body("modules:\n  a:\n    depends_on: [b, c, b]\n"), codes.VALUE_INVALID, 5, 24),
    ("a pin where none may be", body("modules:\n  a:\n    depends_on: [b@1]\n"), codes.VALUE_INVALID, 5, 18),
    ("a pin without a version", body("templates:\n  a:\n    modules: [b, c@]\n"), codes.VALUE_INVALID, 5, 18),
    ("a module twice with two pins", body("templates:\n  a:\n    modules: [b@1, b@2]\n"), codes.VALUE_INVALID, 5, 20),
    ("a reference that is no name", body("nodes:\n  a:\n    template: b/c\n"), codes.VALUE_INVALID, 5, 15),
    ("a network without a prefix", body("sdwan_networks:\n  n:\n    cidr: 10.0.0.0\n"), codes.VALUE_INVALID, 5, 11),
    ("an address of no form", body("sdwan_virtual_ips:\n  n:\n    address: 10.0.0\n"), codes.VALUE_INVALID, 5, 14),
    ("an endpoint without a port", body("sdwan_peers:\n  n:a:\n    endpoint: host\n"), codes.VALUE_INVALID, 5, 15),
    ("a credential", body("provider_configs:\n  aws:\n    config:\n      api_key: hunter2\n"), codes.CREDENTIAL, 6, 7),
    ("a credential deep down", body("provider_configs:\n  aws: {config: {a: [{b: {dbPassword: hunter2}}]}}\n"), codes.CREDENTIAL, 4, 27),
    ("a credential as a field", body("provider_configs:\n  aws:\n    token: hunter2\n"), codes.CREDENTIAL, 5, 5),
    ("a module that needs itself", body("modules:\n  a: {depends_on: [a]}\n"), codes.REFERENCE_CYCLE, 4, 20),
    (
        "a cycle of modules",
        body("modules:\n  c: {depends_on: [a]}\n  d: {depends_on: [b]}\n  b: {depends_on: [x, c]}\n  a: {depends_on: [x, b]}\n"),
        codes.REFERENCE_CYCLE, 7, 23,
    ),
    (
        "an address outside its network",
        body("sdwan_networks:\n  net: {cidr: 10.0.0.0/8}\nsdwan_virtual_ips:\n  v: {network: net, address: 11.0.0.1, primary_holder: a}\n"),
        codes.CONSTRAINT_BROKEN, 6, 3,
    ),
]  # fmt: skip

ALL = [*STRUCTURE, *DIFFERING, *((text, value(text), codes.AMBIGUOUS_VALUE, *V) for text in AMBIGUOUS), *MEANING]


@pytest.mark.parametrize(("text", "code", "line", "column"), [case[1:] for case in ALL], ids=[case[0] for case in ALL])
def test_refused_with_code_and_place(text: str | bytes, code: str, line: int, column: int) -> None:
    problems = problems_of(text)
    expected = [("FLEET-121", 1, 1)] if text == "" else []
    assert places(problems) == [*expected, (code, line, column)]
    assert all(problem.message and problem.hint for problem in problems)


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "word"), [case[1:] for case in ACCIDENTS], ids=[case[0] for case in ACCIDENTS]
)
def test_a_well_known_accident_is_named(text: str | bytes, code: str, line: int, column: int, word: str) -> None:
    problem = problems_of(text)[-1]
    assert places([problem]) == [(code, line, column)]
    assert word in f"{problem.message} {problem.hint}"
    assert problem.hint


@pytest.mark.parametrize(
    "text",
    [
        "x: |\n        <<<<<<< HEAD\n        =======\n        >>>>>>> b", "'{{ name }}'", "a {{ name }} {% if %}", "{ a: { b: c } }", "<<<<<<<", "'======='",
        "'\\ud83d\\ude00'", "\\ud83d\\ude00", "|\n        \\ud83d\\ude00", '"\\\\ud83d\\\\ude00"', "x # \\ud83d\\ude00 {{ y }} <<<<<<< ", "PK", "sops",
    ],
)  # fmt: skip
def test_what_only_looks_like_an_accident_is_read(text: str) -> None:
    data = value(text.removeprefix("x: "))
    found = read_fleet_file(data.encode(), FLEET).sections["modules"]["m"]["config"]["v"]
    assert found == yaml.load(data, yaml.CSafeLoader)["modules"]["m"]["config"]["v"]


@pytest.mark.parametrize("end", ["\n", "", "\r\n"], ids=["line end", "no line end", "CRLF"])
@pytest.mark.parametrize("text", NEAR)
def test_what_all_readers_read_alike_is_read(text: str, end: str) -> None:
    data = value(text).removesuffix("\n").replace("\n", end or "\n") + end
    found = read_fleet_file(data.encode(), FLEET).sections["modules"]["m"]["config"]["v"]
    assert found == yaml.load(data, yaml.CSafeLoader)["modules"]["m"]["config"]["v"]


@pytest.mark.parametrize(
    "text", [f"# {text}" for text in NEAR[:36]] + [f"#{text}" for _, text, *_ in DIFFERING if isinstance(text, str)]
)
def test_a_comment_may_say_anything(text: str) -> None:
    lines = "".join(f"# {line}\n" for line in text.splitlines())
    assert read_fleet_file((HEAD + lines).encode(), FLEET).account == "acme"


@pytest.mark.parametrize(
    "text",
    ['{"version": 1,\n"account": "acme",\n"nodes": {\n"a": {\n}}}\n', '{\n\t"version": 1,\n\t"account":\n"acme"\n}', "--- {version: 1,\naccount: acme}\n", "%YAML 1.2 # c\n---\nversion: 1\naccount: acme\n"],
)  # fmt: skip
def test_a_file_that_is_one_map_in_brackets_needs_no_indent(text: str) -> None:
    assert read_fleet_file(text.encode(), FLEET).account == "acme"


def test_each_place_that_readers_read_differently_is_told() -> None:
    text = body(
        "modules:\n  m:\n    config:\n      a: [?x, -]#c\n      b: 'x'#c\n      c: [\n      d]\n    priority: -1\n"
    )
    assert places(problems_of(text)) == [
        (codes.AMBIGUOUS_VALUE, 6, 11),
        (codes.YAML_SYNTAX, 6, 15),
        (codes.YAML_SYNTAX, 6, 17),
        (codes.YAML_SYNTAX, 7, 13),
        (codes.YAML_SYNTAX, 9, 1),
        (codes.VALUE_INVALID, 10, 15),
    ]


def test_a_file_over_the_limit_is_refused_before_anything_else() -> None:
    problems = problems_of(b"\xff" * (DEFAULT_LIMIT + 1))
    assert places(problems) == [(codes.TOO_LARGE, 1, 1)]
    assert "1,048,577" in problems[0].message
    assert "FLEET_MAX_FILE_BYTES" in problems[0].hint


def test_comments_alone_are_missing_both_fields() -> None:
    assert places(problems_of("# later\n")) == [(codes.VERSION_MISSING, 1, 1), (codes.ACCOUNT_MISSING, 1, 1)]


def test_an_account_that_is_not_the_repositorys_is_refused_with_the_line_that_rebinds() -> None:
    [problem] = problems_of(HEAD, account="globex")
    assert (problem.code, problem.line, problem.column) == (codes.ACCOUNT_MISMATCH, 2, 10)
    assert "Resource constraint: account_id mismatch" in problem.message
    assert "acme" in problem.message
    assert "globex" in problem.message
    assert "fleet repo set <name> --account acme" in problem.hint


def test_the_line_that_rebinds_can_be_pasted_into_a_shell() -> None:
    [problem] = problems_of("version: 1\naccount: acme $HOME\n", account="globex")
    assert "--account 'acme $HOME'" in problem.hint


def test_places_are_right_after_keys_that_are_refused() -> None:
    text = body("modules:\n  m:\n    config: {[a, {b: c}]: 1, {d: e}: [f], 1: 2, <<: 3}\n    priority: high\n")
    assert places(problems_of(text))[-1] == (codes.VALUE_INVALID, 6, 15)


def test_the_repositorys_own_account_is_accepted() -> None:
    assert read_fleet_file(HEAD.encode(), FLEET, account="acme").account == "acme"


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("modulse:\n", "modules"),
        ("acount: x\n", "account"),
        ("nodes:\n  a:\n    tempalte: t\n", "template"),
        ("modules:\n  a:\n    priorty: 1\n", "priority"),
    ],
)
def test_the_nearest_name_is_proposed(text: str, near: str) -> None:
    [problem] = problems_of(body(text))
    assert near in problem.hint


def test_a_cycle_is_shown_in_the_direction_of_the_references() -> None:
    [problem] = problems_of(body("modules:\n  c: {depends_on: [a]}\n  b: {depends_on: [c]}\n  a: {depends_on: [b]}\n"))
    assert "a → b → c → a" in problem.message


def test_every_separate_cycle_is_reported() -> None:
    text = body("modules:\n  a: {depends_on: [b]}\n  b: {depends_on: [a]}\n  c: {depends_on: [c]}\n")
    assert places(problems_of(text)) == [(codes.REFERENCE_CYCLE, 4, 20), (codes.REFERENCE_CYCLE, 6, 20)]


def test_a_long_cycle_is_shown_in_part() -> None:
    ring = "".join(f"  m{i:02}: {{depends_on: [m{(i + 1) % 50:02}]}}\n" for i in range(50))
    [problem] = problems_of(body(f"modules:\n{ring}"))
    assert "m00 → m01 → m02 → m03 → (43 more) → m47 → m48 → m49 → m00" in problem.message


def test_a_constraint_is_judged_only_when_the_file_declares_both_sides() -> None:
    alone = body("sdwan_virtual_ips:\n  v: {network: net, address: 11.0.0.1, primary_holder: a}\n")
    partly = body(
        "sdwan_networks:\n  net: {cidr: 10.0.0.0/8}\nsdwan_virtual_ips:\n  v: {network: net, address: 11.0.0.1}\n"
    )
    without_range = alone + "sdwan_networks:\n  net:\n"
    for text in (alone, partly, without_range):
        assert read_fleet_file(text.encode(), FLEET).account == "acme"


def test_all_problems_are_reported_at_once_in_the_order_of_the_file() -> None:
    text = """\
account: 12
nodes:
  a/b: {template: t}
  app: {lifecycle_class: forever, template: no}
  App: {colour: blue}
  app: {}
modules:
  m: {priority: -1, config: {x: 1e5, y: [0x1F, 2], z: &a 1}, depends_on: [m, 3]}
  w: web
unknown: {}
provider_configs:
  aws: {config: {secret: s}}
"""
    assert places(problems_of(text)) == [
        (codes.VERSION_MISSING, 1, 1),
        (codes.ACCOUNT_INVALID, 1, 10),
        (codes.NAME_INVALID, 3, 3),
        (codes.VALUE_INVALID, 4, 26),
        (codes.AMBIGUOUS_VALUE, 4, 45),
        (codes.NAMES_ALIKE, 5, 3),
        (codes.UNKNOWN_FIELD, 5, 9),
        (codes.DUPLICATE_KEY, 6, 3),
        (codes.VALUE_INVALID, 8, 17),
        (codes.AMBIGUOUS_VALUE, 8, 33),
        (codes.AMBIGUOUS_VALUE, 8, 42),
        (codes.ANCHOR, 8, 55),
        (codes.VALUE_INVALID, 8, 78),
        (codes.RESOURCE_NOT_A_MAP, 9, 6),
        (codes.UNKNOWN_SECTION, 10, 1),
        (codes.CREDENTIAL, 12, 18),
    ]


def test_what_was_found_before_a_syntax_error_is_reported_and_nothing_is_called_missing() -> None:
    text = 'nodes:\n  a: {template: yes}\n  b: {colour: 1}\naccount: "\n'
    assert places(problems_of(text)) == [
        (codes.AMBIGUOUS_VALUE, 2, 17),
        (codes.UNKNOWN_FIELD, 3, 7),
        (codes.YAML_SYNTAX, 5, 1),
    ]


def test_a_merge_is_refused_along_with_its_anchor_and_alias() -> None:
    text = body("modules:\n  a: &a {priority: 1}\n  b:\n    <<: *a\n    priority: 2\n")
    assert places(problems_of(text)) == [(codes.ANCHOR, 4, 6), (codes.MERGE_KEY, 6, 5), (codes.ALIAS, 6, 9)]


def test_a_broken_value_is_reported_once() -> None:
    text = body(
        "modules:\n  a: {priority: 012, variety: *v, config: {p: [1_0]}, depends_on: [!x y, b]}\n  b: *c\nnodes: *d\n"
    )
    assert [p.code for p in problems_of(text)] == [
        codes.AMBIGUOUS_VALUE, codes.ALIAS, codes.AMBIGUOUS_VALUE, codes.UNSUPPORTED_TAG, codes.ALIAS, codes.ALIAS,
    ]  # fmt: skip


SECRET = "31337"


@pytest.mark.parametrize(
    "text",
    [
        "  aws: {config: {password: 0S}}\n",
        "  aws: {config: {tokens: {a: [0S, +S]}}}\n",
        "  aws: {config: {tokens: {a: [0S, '\n",
        "  aws: {secret: 0S}\n",
        "  aws: {config: {api_key: S}, provider: S}\n",
        "  aws: {config: {private_key: [{api_key: S}]}}\n",
        "  aws: {config: {password: !!bool S}}\n",
    ],
)
def test_a_credential_is_never_shown(text: str) -> None:
    problems = problems_of(body("provider_configs:\n" + text.replace("S", SECRET)))
    assert problems
    assert not any(SECRET in str(problem) for problem in problems)


LONG = "q" * 5000


@pytest.mark.parametrize(
    "text",
    [
        f"x: {LONG}\n",
        f"? {LONG}\n: 1\n",
        f"nodes:\n  a: {{lifecycle_class: {LONG}, template: '{LONG}', ? {LONG} : 1}}\n",
        f"nodes:\n  ? {LONG}\n  : {{name: {LONG}2}}\n",
        f"modules:\n  a: {{config: {{x: !{LONG} 1, ? {LONG} : 1, ? '{LONG}' : 1}}, depends_on: ['{LONG}', b, {LONG}]}}\n",
        f"templates:\n  a: {{modules: ['a@', '{LONG[:200]}', '{LONG[:200]}', '{LONG[:200]}@']}}\n",
        f"sdwan_networks:\n  a: {{cidr: {LONG}}}\nsdwan_virtual_ips:\n  v: {{address: {LONG}}}\nsdwan_peers:\n  a:b: {{endpoint: {LONG}}}\n",
        f"provider_configs:\n  a: {{config: {{? '{LONG}_password' : 1}}}}\n",
        f"nodes:\n  {LONG[:250]}:\n  {LONG[:250].upper()}:\n",
        f"modules:\n  {LONG[:250]}: {{depends_on: [{LONG[:250]}]}}\n",
        f"nodes: {{a: {{labels: {{x: +{'1' * 5000}}}}}}}\n",
        f"nodes: {{a: [*{LONG}]}}\n",
    ],
)
def test_no_message_shows_much_of_the_file(text: str) -> None:
    for problem in problems_of(body(text)):
        assert "q" * 81 not in str(problem).lower()
        assert "1" * 81 not in str(problem)


def test_reading_stops_at_ten_thousand_problems_and_says_so() -> None:
    structural = problems_of(value("[" + "0x1," * 20_000 + "]"))
    semantic = problems_of(body("nodes:\n" + "".join(f"  n{i}: {{x: 1}}\n" for i in range(20_000))))
    differing = problems_of(value("[" + "?a, " * 20_000 + "]"))
    shallow = problems_of(value("".join('\n      - "\na"' for _ in range(20_000))))
    assert len(problems_of(HEAD + "|\n" * 20_000)) == 10_002  # libyaml's own word on it comes first
    for problems in (structural, semantic, differing, shallow):
        assert len(problems) == 10_001
        assert codes.TOO_MANY_PROBLEMS in {problem.code for problem in problems[-2:]}


def test_problems_carry_the_name_of_the_file() -> None:
    assert {problem.file for problem in problems_of("x: 0x1\n", file="prod/fleet.yaml")} == {"prod/fleet.yaml"}


def test_every_code_has_a_meaning_and_is_used() -> None:
    declared = {value for name, value in vars(codes).items() if name.isupper() and isinstance(value, str)}
    assert declared == CODES.keys()
    assert list(CODES) == sorted(CODES)
    assert all(re.fullmatch(r"FLEET-1[0-9]{2}", code) and meaning.endswith(".") for code, meaning in CODES.items())
    source = "".join(path.read_text() for path in Path(codes.__file__).parent.glob("*.py") if path.name != "codes.py")
    names = {name for name, value in vars(codes).items() if isinstance(value, str) and value in CODES}
    assert {name for name in names if not re.search(rf"\b{name}\b", source)} == set()


def test_every_refusal_has_a_case_here() -> None:
    elsewhere = {codes.TOO_LARGE, codes.TOO_MANY_PROBLEMS, codes.ACCOUNT_MISMATCH}
    warnings = {code for code, meaning in CODES.items() if meaning.startswith("Warning")}
    assert {case[2] for case in ALL} | elsewhere == CODES.keys() - warnings


def warnings_of(text: str) -> list[Problem]:
    return file_warnings(read_fleet_file(body(text).encode(), FLEET), FLEET)


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "words"),
    [
        ("nodes:\n  a:\n    template: t\n", codes.TARGET_UNKNOWN, 5, 15, "templates/t is not in this file"),
        ("modules:\n  a: {depends_on: [b]}\n", codes.TARGET_UNKNOWN, 4, 20, "modules/b"),
        ("nodes: {a: }\nassignments:\n  a:m:\n", codes.TARGET_UNKNOWN, 5, 3, "modules/m"),
        ("templates:\n  t: {modules: [a, b@2]}\nmodules: {a: }\n", codes.TARGET_UNKNOWN, 4, 20, "modules/b"),
        (
            'modules:\n  m: {version: "1"}\ntemplates:\n  t: {modules: [m@2]}\n',
            codes.PINNED_VERSION_UNKNOWN,
            6,
            17,
            "declares version '1'",
        ),
        (
            "modules:\n  m:\ntemplates:\n  t: {modules: [m@2]}\n",
            codes.PINNED_VERSION_UNKNOWN,
            6,
            17,
            "declares no version",
        ),
        (
            "modules:\n  m: {version: null}\ntemplates:\n  t: {modules: [m@2]}\n",
            codes.PINNED_VERSION_UNKNOWN,
            6,
            17,
            "declares no version",
        ),
        (
            'modules:\n  m: {version: "1"}\ntemplates:\n  t: {modules: [m]}\n',
            codes.REFERENCE_UNPINNED,
            6,
            17,
            "means '1' today",
        ),
        ("sdwan_networks:\n  n: {description: x}\n", codes.REQUIRED_FIELD_MISSING, 4, 3, "cidr"),
        ("sdwan_virtual_ips:\n  v:\n", codes.REQUIRED_FIELD_MISSING, 4, 3, "network and address and primary_holder"),
    ],
)
def test_warned_with_code_and_place(text: str, code: str, line: int, column: int, words: str) -> None:
    [warning] = warnings_of(text)
    assert (warning.code, warning.line, warning.column) == (code, line, column)
    assert words in warning.message
    assert warning.hint


NETWORKS = """\
nodes: {n1: {}, n2: {}}
sdwan_networks: {four: {cidr: 10.20.0.0/24}, six: {cidr: "fd00:20::/64"}, two: {cidr: 10.9.0.0/31}, one: {cidr: 10.8.0.1/32}, wide: {cidr: 10.20.0.0/16}}
"""


def vips(*entries: str) -> str:
    return f"{NETWORKS}sdwan_virtual_ips:\n" + "".join(f"  {e}\n" for e in entries)


def vip(name: str, network: str, address: str, more: str = "") -> str:
    return f'{name}: {{network: {network}, address: "{address}", primary_holder: n1{more}}}'


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        (vips(vip("a", "four", "10.20.0.9"), vip("b", "four", "10.20.0.9")), 7, 31, "is also the address of sdwan_virtual_ips/a, in network four"),
        (vips(vip("a", "six", "fd00:20::9"), vip("b", "six", "FD00:20:0::9")), 7, 30, "address fd00:20::9 is also the address of sdwan_virtual_ips/a"),
        (vips(vip("a", "four", "10.20.0.0")), 6, 31, "the network address of sdwan_networks/four (10.20.0.0/24)"),
        (vips(vip("a", "four", "10.20.0.255")), 6, 31, "the broadcast address of sdwan_networks/four"),
        (vips(vip("a", "six", "fd00:20::")), 6, 30, "the network address of sdwan_networks/six"),
        (vips(vip("a", "four", "10.20.0.9", ", failover_holders: [n2, n1]")), 6, 87, "names n1, which is already the primary holder"),
        (NETWORKS + 'sdwan_peers: {"four:n1": {endpoint: "10.20.0.255:51820"}}\n', 5, 37, "endpoint 10.20.0.255 is the broadcast address"),
        (NETWORKS + 'sdwan_peers: {"six:n1": {endpoint: "[fd00:20::0]:51820"}}\n', 5, 36, "is the network address of sdwan_networks/six"),
    ],
)  # fmt: skip
def test_what_is_probably_wrong_is_warned_of(text: str, line: int, column: int, words: str) -> None:
    [warning] = warnings_of(text)
    assert places([warning]) == [(codes.HARDLY_MEANT, line, column)]
    assert words in warning.message
    assert warning.hint


def test_addresses_that_are_used_once_and_by_hosts_are_not_warned_of() -> None:
    text = vips(
        vip("a", "four", "10.20.0.9", ", failover_holders: [n2]"),
        vip("b", "wide", "10.20.0.9"),
        vip("c", "two", "10.9.0.0"),
        vip("d", "two", "10.9.0.1"),
        vip("e", "one", "10.8.0.1"),
        vip("f", "six", "fd00:20::ffff:ffff:ffff:ffff"),
        vip("g", "wide", "10.20.0.255"),
        vip("h", "wide", "10.20.0.0").replace("10.20.0.0", "10.20.1.0"),
    )
    peers = 'sdwan_peers: {"four:n1": {endpoint: "edge.example.com:51820"}, "four:n2": {endpoint: "192.0.2.1:1"}, "one:n1": {}}\n'
    assert warnings_of(text + peers) == []


def test_one_address_for_very_many_is_one_kind_of_warning() -> None:
    found = warnings_of(vips(*(vip(f"v{i}", "four", "10.20.0.9") for i in range(500))))
    assert (len(found), len({warning.message for warning in found})) == (499, 1)


def test_a_file_that_stands_on_its_own_is_not_warned_of() -> None:
    text = """\
modules:
  m: {version: "1"}
  free: {depends_on: [m]}
templates: {t: {modules: [m@1, free]}}
nodes: {a: {template: t}, b: {template: null}}
assignments: {a:m: }
sdwan_networks: {net: {cidr: 10.0.0.0/8}}
sdwan_peers: {net:a: {endpoint: null}}
sdwan_virtual_ips: {v: {network: net, address: 10.0.0.1, primary_holder: a, failover_holders: [b]}}
provider_configs: {aws: }
"""
    assert warnings_of(text) == []


def test_what_git_never_writes_is_not_warned_of() -> None:
    connections = Kind(
        "links", "links", "link", 9, "A link.", (Field("to", Ref("nodes"), "Node."),), informational=True
    )
    kinds = Kinds((*FLEET.values(), connections))
    assert file_warnings(read_fleet_file(body("links: {a: {}, b: {to: c}}\n").encode(), kinds), kinds) == []


def test_warnings_come_in_the_order_of_the_file() -> None:
    found = warnings_of("nodes:\n  a: {template: t}\nmodules:\n  m: {depends_on: [x, z]}\n")
    assert [(warning.line, warning.column) for warning in found] == [(4, 17), (6, 20), (6, 23)]
