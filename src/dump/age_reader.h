// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What is in an age file, for who has one of its keys.
 *
 * Gives out no byte that is not authentic, and none behind one that is not. Does not decrypt files of passphrases, of ssh
 * keys or of plugins.
 */
#ifndef DUMP_AGE_READER_H
#define DUMP_AGE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "dump/age.h"

struct age_reader;

#ifdef HAVE_SODIUM

/**
 * Open a file.
 *
 * @param[in] fd The file; borrowed. Must be seekable.
 * @param[in] identities Secret keys.
 * @param[in] count Their number.
 * @param[out] ret The reader; age_reader_close() it.
 * @return NULL; ERROR_UNSUPPORTED (not an age file of version 1); ERROR_BAD_DATA (its header is not as it must be, or not
 *	   authentic); ERROR_CONFIG (it is not encrypted to one of these keys); ERROR_OS; ERROR_NOMEM.
 */
struct error *age_reader_open(int fd, const struct age_identity *identities, size_t count,
                              struct age_reader **ret) must_check;

/**
 * The next bytes.
 *
 * @param[in,out] context The reader.
 * @param[out] buf At least @p size_bytes.
 * @param[in] size_bytes Wanted.
 * @param[out] got_ret Bytes that came, on error too; without one, less than wanted only at the end, which is authentic too.
 * @return NULL; ERROR_BAD_DATA (the file is cut or was changed; the text has the place); ERROR_OS.
 */
struct error *age_reader_read(void *context, void *buf, size_t size_bytes, size_t *got_ret) must_check;

/**
 * Bytes that age_reader_read() gives next.
 *
 * @param[in,out] reader The reader.
 * @param[out] ret The bytes; the reader's, until the next call.
 * @param[out] size_ret Their number; 0 only at the end, or before what cannot be read.
 * @return As age_reader_read().
 */
struct error *age_reader_peek(struct age_reader *reader, const uint8_t **ret, size_t *size_ret) must_check;

/** Close, and overwrite the key. @param[in] reader May be NULL. */
void age_reader_close(struct age_reader *reader);

#else

/** As above, where there is no libsodium. @param[in] fd Not looked at. @param[in] identities Not. @param[in] count Not. @param[out] ret Not. @return ERROR_UNSUPPORTED. */
static inline must_check struct error *age_reader_open(int fd, const struct age_identity *identities, size_t count,
                                                       struct age_reader **ret)
{
	(void)fd, (void)identities, (void)count, (void)ret;
	return age_missing();
}

/** Never called. @param[in] context Not. @param[out] buf Not. @param[in] size_bytes Not. @param[out] got_ret Not. @return ERROR_UNSUPPORTED. */
static inline must_check struct error *age_reader_read(void *context, void *buf, size_t size_bytes, size_t *got_ret)
{
	(void)context, (void)buf, (void)size_bytes;
	*got_ret = 0;
	return age_missing();
}

/** Never called. @param[in] reader Not. @param[out] ret Not. @param[out] size_ret Not. @return ERROR_UNSUPPORTED. */
static inline must_check struct error *age_reader_peek(struct age_reader *reader, const uint8_t **ret, size_t *size_ret)
{
	(void)reader;
	*ret = NULL;
	*size_ret = 0;
	return age_missing();
}

/** Nothing to close. @param[in] reader NULL. */
static inline void age_reader_close(struct age_reader *reader)
{
	(void)reader;
}

#endif

/** Guard form of age_reader_close(). @param[in] reader Address of the variable. */
static inline void age_reader_closep(struct age_reader **reader)
{
	age_reader_close(*reader);
}

#endif
