// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/age_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "dump/age_crypto.h"
#include "dump/age_header.h"

enum { SEALED_BYTES = AGE_CHUNK_BYTES + AGE_TAG_BYTES };

struct age_reader {
	int fd;
	struct age_crypto_stream stream;
	uint64_t place_bytes; // Of the next chunk.
	bool is_last; // The chunk that is held is.
	size_t held_bytes, used_bytes;
	uint8_t held[AGE_CHUNK_BYTES];
	uint8_t sealed[SEALED_BYTES];
};

static struct error *find_key(const struct age_header *header, const struct age_identity *identities, size_t count,
                              uint8_t *file_key)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < header->count; j++)
			if (age_crypto_unwrap(&identities[i], &header->stanzas[j], file_key))
				return NULL;
	return error_new(ERROR_CONFIG, "it is encrypted to %zu recipient%s, and the key is that of none of them",
	                 header->count + header->other_count, header->count + header->other_count == 1 ? "" : "s");
}

static struct error *read_header(struct age_reader *reader, const struct age_identity *identities, size_t count,
                                 uint8_t *file_key)
{
	_cleanup_free_ char *text = malloc(AGE_HEADER_MAX_BYTES);
	_cleanup_(age_header_deinit) struct age_header header = {0};
	uint8_t mac[AGE_MAC_BYTES];
	struct error *err;
	size_t got = 0;

	if (!text)
		return error_new(ERROR_NOMEM, "no memory for an age header");
	err = io_pread(reader->fd, text, AGE_HEADER_MAX_BYTES, 0, &got);
	if (!err)
		err = age_header_parse(text, got, &header);
	if (!err)
		err = find_key(&header, identities, count, file_key);
	if (err)
		return err;
	reader->place_bytes = header.size_bytes;
	age_crypto_mac(file_key, text, header.signed_bytes, mac);
	return age_crypto_is_same(mac, header.mac)
	               ? NULL
	               : error_new(ERROR_BAD_DATA, "its header was changed: the authentication code is another");
}

static struct error *start(struct age_reader *reader, const struct age_identity *identities, size_t count)
{
	uint8_t file_key[AGE_FILE_KEY_BYTES], nonce[AGE_NONCE_BYTES];
	// libsodium gets ready with it.
	struct error *err = age_crypto_random(nonce, sizeof(nonce));
	size_t got = 0;

	if (!err)
		err = read_header(reader, identities, count, file_key);
	if (!err)
		err = io_pread(reader->fd, nonce, sizeof(nonce), reader->place_bytes, &got);
	if (!err && got < sizeof(nonce))
		err = error_new(ERROR_BAD_DATA, "it is cut: there is nothing behind its header");
	if (!err)
		age_crypto_start(file_key, nonce, &reader->stream);
	reader->place_bytes += sizeof(nonce);
	age_crypto_forget(file_key, sizeof(file_key));
	return err;
}

struct error *age_reader_open(int fd, const struct age_identity *identities, size_t count, struct age_reader **ret)
{
	struct age_reader *reader = calloc(1, sizeof(*reader));
	struct error *err;

	if (!reader)
		return error_new(ERROR_NOMEM, "no memory to decrypt");
	reader->fd = fd;
	err = start(reader, identities, count);
	if (err) {
		age_reader_close(reader);
		return err;
	}
	*ret = reader;
	return NULL;
}

static struct error *bad_chunk(const struct age_reader *reader, const char *what)
{
	return error_new(ERROR_BAD_DATA, "%s at offset %#jx", what, (uintmax_t)reader->place_bytes);
}

// Nothing may follow the last chunk, and the last chunk of more than one is not empty: else two files would be one text.
static struct error *check_last(struct age_reader *reader, size_t size_bytes)
{
	uint8_t more;
	size_t got = 0;
	struct error *err = io_pread(reader->fd, &more, 1, reader->place_bytes + size_bytes, &got);

	if (!err && got)
		err = bad_chunk(reader, "there is more behind the end of what is encrypted");
	if (!err && size_bytes == AGE_TAG_BYTES && reader->stream.counter > 1)
		err = bad_chunk(reader, "an empty chunk");
	return err;
}

static struct error *next_chunk(struct age_reader *reader)
{
	struct error *err;
	size_t got = 0;

	if (reader->is_last)
		return NULL;
	err = io_pread(reader->fd, reader->sealed, SEALED_BYTES, reader->place_bytes, &got);
	if (err)
		return err;
	if (got < AGE_TAG_BYTES)
		return bad_chunk(reader, "it is cut");
	// A full chunk is in most cases not the last.
	if (got < SEALED_BYTES || !age_crypto_open(&reader->stream, reader->sealed, got, false, reader->held)) {
		if (!age_crypto_open(&reader->stream, reader->sealed, got, true, reader->held))
			return bad_chunk(reader, got < SEALED_BYTES ? "it is cut, or was changed," : "it was changed");
		err = check_last(reader, got);
		if (err)
			return err;
		reader->is_last = true;
	}
	reader->place_bytes += got;
	reader->held_bytes = got - AGE_TAG_BYTES;
	reader->used_bytes = 0;
	return NULL;
}

struct error *age_reader_peek(struct age_reader *reader, const uint8_t **ret, size_t *size_ret)
{
	struct error *err = reader->used_bytes < reader->held_bytes ? NULL : next_chunk(reader);

	*ret = reader->held + reader->used_bytes;
	*size_ret = reader->held_bytes - reader->used_bytes;
	return err;
}

struct error *age_reader_read(void *context, void *buf, size_t size_bytes, size_t *got_ret)
{
	struct age_reader *reader = context;
	struct error *err = NULL;
	size_t done = 0, size = 1;

	while (!err && size && done < size_bytes) {
		const uint8_t *bytes;

		err = age_reader_peek(reader, &bytes, &size);
		if (size > size_bytes - done)
			size = size_bytes - done;
		memcpy((uint8_t *)buf + done, bytes, size);
		reader->used_bytes += size;
		done += size;
	}
	*got_ret = done;
	return err;
}

void age_reader_close(struct age_reader *reader)
{
	if (reader)
		age_crypto_forget(reader, sizeof(*reader));
	free(reader);
}
