// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/sink.h"

#include <stdlib.h>
#include <string.h>

#include "dump/age_crypto.h"
#include "dump/age_header.h"

struct sink_age {
	struct sink sink;
	struct sink *under; // Owned once the header is written.
	struct age_crypto_stream stream;
	uint64_t next_bytes; // Where the next write must be.
	uint64_t place_bytes; // In the sink below.
	size_t held_bytes; // Of a chunk that is not encrypted yet.
	bool is_broken; // Something is missing below: nothing that came behind it could be read.
	uint8_t held[AGE_CHUNK_BYTES];
	uint8_t sealed[AGE_CHUNK_BYTES + AGE_TAG_BYTES];
};

static struct error *put(struct sink_age *age, const void *buf, size_t size_bytes)
{
	struct error *err = sink_write(age->under, age->place_bytes, buf, size_bytes);

	age->is_broken = err != NULL;
	age->place_bytes += size_bytes;
	return err;
}

static struct error *put_chunk(struct sink_age *age, bool is_last)
{
	size_t size_bytes = age->held_bytes;

	age_crypto_seal(&age->stream, age->held, size_bytes, is_last, age->sealed);
	age->held_bytes = 0;
	return put(age, age->sealed, size_bytes + AGE_TAG_BYTES);
}

// A chunk that is full is kept until there is more: it may be the last.
static struct error *take(struct sink_age *age, const uint8_t *bytes, size_t size_bytes)
{
	while (size_bytes) {
		size_t room = AGE_CHUNK_BYTES - age->held_bytes, part = size_bytes < room ? size_bytes : room;
		struct error *err = part ? NULL : put_chunk(age, false);

		if (err)
			return err;
		memcpy(age->held + age->held_bytes, bytes, part);
		age->held_bytes += part;
		bytes += part;
		size_bytes -= part;
	}
	return NULL;
}

static struct error *refuse_broken(void)
{
	return error_new(ERROR_CANCELED, "what was to be written before is missing");
}

static struct error *sink_age_write(struct sink *sink, uint64_t offset_bytes, const struct iovec *parts, size_t count)
{
	struct sink_age *age = (struct sink_age *)sink;
	struct error *err = NULL;

	if (age->is_broken)
		return refuse_broken();
	if (offset_bytes != age->next_bytes)
		return error_new(ERROR_UNSUPPORTED, "what is encrypted is written in order, not at %ju after %ju",
		                 (uintmax_t)offset_bytes, (uintmax_t)age->next_bytes);
	for (size_t i = 0; !err && i < count; i++) {
		err = take(age, parts[i].iov_base, parts[i].iov_len);
		age->next_bytes += parts[i].iov_len;
	}
	return err;
}

static struct error *sink_age_finish(struct sink *sink, uint64_t file_bytes)
{
	struct sink_age *age = (struct sink_age *)sink;
	struct error *err;

	if (age->is_broken)
		return refuse_broken();
	if (file_bytes != age->next_bytes)
		return error_new(ERROR_UNSUPPORTED, "what is encrypted has no gap at its end");
	err = put_chunk(age, true);
	return err ? err : sink_finish(age->under, age->place_bytes);
}

static void sink_age_destroy(struct sink *sink)
{
	struct sink_age *age = (struct sink_age *)sink;

	sink_destroy(age->under);
	age_crypto_forget(age, sizeof(*age));
	free(age);
}

static const struct sink_ops age_ops = {
	.write = sink_age_write,
	.finish = sink_age_finish,
	.destroy = sink_age_destroy,
};

static struct error *write_header(struct sink_age *age, const uint8_t *file_key, const struct age_recipient *recipients,
                                  size_t count)
{
	_cleanup_free_ struct age_stanza *stanzas = calloc(count, sizeof(*stanzas));
	_cleanup_free_ char *text = NULL;
	uint8_t mac[AGE_MAC_BYTES];
	struct error *err = NULL;
	size_t size = 0;

	for (size_t i = 0; !err && stanzas && i < count; i++)
		err = age_crypto_wrap(&recipients[i], file_key, &stanzas[i]);
	if (err)
		return err;
	text = stanzas ? age_header_start(stanzas, count, &size) : NULL;
	if (!text)
		return error_new(ERROR_NOMEM, "no memory for an age header");
	age_crypto_mac(file_key, text, size, mac);
	age_header_end(text, &size, mac);
	return put(age, text, size);
}

static struct error *start(struct sink_age *age, const struct age_recipient *recipients, size_t count)
{
	uint8_t file_key[AGE_FILE_KEY_BYTES], nonce[AGE_NONCE_BYTES];
	struct error *err = age_crypto_random(file_key, sizeof(file_key));

	if (!err)
		err = age_crypto_random(nonce, sizeof(nonce));
	if (!err)
		err = write_header(age, file_key, recipients, count);
	if (!err)
		err = put(age, nonce, sizeof(nonce));
	if (!err)
		age_crypto_start(file_key, nonce, &age->stream);
	age_crypto_forget(file_key, sizeof(file_key));
	return err;
}

struct error *sink_age_create(struct sink *under, const struct age_recipient *recipients, size_t count,
                              struct sink **ret)
{
	struct sink_age *age;
	struct error *err;

	if (!count)
		return error_new(ERROR_BAD_DATA, "there is nobody to encrypt to");
	age = calloc(1, sizeof(*age));
	if (!age)
		return error_new(ERROR_NOMEM, "no memory to encrypt");
	age->sink.ops = &age_ops;
	age->under = under;
	err = start(age, recipients, count);
	if (err) {
		age->under = NULL;
		sink_age_destroy(&age->sink);
		return err;
	}
	*ret = &age->sink;
	return NULL;
}
