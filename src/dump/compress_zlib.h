// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Pages as zlib streams (RFC 1950), which every reader of dumps understands.
 *
 * Does not choose who makes them: the build does. compress_zlib.c and compress_libdeflate.c are of the library, one of them;
 * compress_isal.c takes its place in kdump-copy, since ISA-L need not be there as a static library.
 */
#ifndef DUMP_COMPRESS_ZLIB_H
#define DUMP_COMPRESS_ZLIB_H

#include "dump/compress.h"

/** Memory of zlib's deflate (zconf.h): (1 << (windowBits + 2)) + (1 << (memLevel + 9)) bytes, and some for its state. */
enum { ZLIB_STATE_BYTES = (1 << 17) + (1 << 17) + (16 << 10) };

/** The one that was built in. */
extern const struct compressor compressor_zlib;

#endif
