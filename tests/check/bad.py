# SPDX-License-Identifier: GPL-2.0-or-later
"""Snippets that the checks must refuse: a check that cannot fail checks nothing."""

HEAD = "// SPDX-License-Identifier: GPL-2.0-or-later\n"
FILE = "/**\n * @file\n *\n * A thing.\n *\n * Does not think.\n */\n"

# Check -> list of {path: content}; each alone must make it complain.
SNIPPETS = {
    "layers": [
        {"src/base/io.c": HEAD + '#include "core/page.h"\n'},
        {"src/base/io.c": HEAD + '#include "io.h"\n'},
        {"src/misc/io.c": HEAD},
    ],
    "symbols": [{"src/base/io.c": HEAD + "int other_thing(void);\nint other_thing(void)\n{\n\treturn 1;\n}\n"}],
    "writable-objects": [
        {"src/base/io.c": HEAD + "int io_count = 1;\n"},
        {"src/base/io.c": HEAD + "int io_next(void);\nint io_next(void)\n{\n\tstatic int count;\n\n\treturn count++;\n}\n"},
    ],
    "headers-alone": [{"src/base/io.h": HEAD + FILE + "/** Needs a header. */\nuint64_t io_size(void);\n"}],
    "documented": [
        {"src/base/io.h": HEAD + FILE + "int io_size(void);\n"},
        {"src/base/io.h": HEAD + FILE + "/* Not for the reader. */\nint io_size(void);\n"},
        {"src/base/io.h": HEAD + FILE + "struct io {\n\tint fd;\n};\n"},
        {"src/base/io.h": HEAD + FILE + "static inline int io_one(void)\n{\n\treturn 1;\n}\n"},
        {"src/base/io.h": HEAD + "/**\n * @file\n *\n * A thing.\n */\n"},
    ],
    "lengths": [
        {"src/base/io.c": HEAD + "void io_long(void)\n{\n" + "\t;\n" * 100 + "}\n"},
        {"src/base/io.c": HEAD + "void io_long(void)\n{\n" + "\t;\n" * 60 + "}\n"},
        {"src/base/io.c": HEAD + "\n" * 700},
    ],
    "columns": [{"src/base/io.c": HEAD + "//" + "x" * 140 + "\n"}],
    "macros": [
        {"src/base/io.h": HEAD + "#define TRY(x) if (x) return x\n"},
        {"src/base/io.h": HEAD + "#define TRY(x) \\\n\tdo { \\\n\t\tif (x) \\\n\t\t\tgoto out; \\\n\t} while (0)\n"},
    ],
    "arch-conditionals": [{"src/core/arch.c": HEAD + "#ifdef __x86_64__\n#endif\n"}],
    "licences": [{"src/base/io.c": "int x;\n"}, {"tests/x.py": "pass\n"}],
    "blanks": [{"README.md": "x \n"}, {"README.md": "x"}, {"README.md": "x\n\n"}],
    "lint/clang-format": [{"src/base/io.c": HEAD + "int  x( void );\n"}],
    "lint/cppcheck": [{"src/base/io.c": HEAD + "int f(void);\nint f(void)\n{\n\tint a[2] = {0};\n\n\treturn a[2];\n}\n"}],
    "lint/clang-tidy": [{"src/base/io.c": HEAD + "int f(int a);\nint f(int a)\n{\n\treturn sizeof(a) / sizeof(&a) * a / (a - a);\n}\n"}],
    "lint/shellcheck": [{"tests/x.sh": "#!/bin/sh\nrm -rf $1/*\n"}],
    "lint/python": [{"tests/x.py": "def f(:\n"}],
}
