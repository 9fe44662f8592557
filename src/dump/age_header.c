// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/age_header.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char version[] = "age-encryption.org/v1\n";
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum {
	BODY_COLUMNS = 64, // The last line of a body has fewer.
	KEY_CHARS = 43, // 32 bytes as base64 without padding; a share, a body, and a code are that.
	STANZA_CHARS = 2 * (KEY_CHARS + 1) + 10, // "-> X25519 ", and two lines.
};

static_assert(AGE_KEY_BYTES == 32 && AGE_BODY_BYTES == 32 && AGE_MAC_BYTES == 32, "of one size");

// 32 bytes. ret: KEY_CHARS and a NUL.
static void encode(const uint8_t *bytes, char *ret)
{
	for (size_t i = 0; i < KEY_CHARS; i++) {
		size_t bit = i * 6, at = bit / 8;
		unsigned int pair = (unsigned int)bytes[at] << 8 | (at + 1 < AGE_KEY_BYTES ? bytes[at + 1] : 0);

		ret[i] = letters[pair >> (10 - bit % 8) & 63];
	}
	ret[KEY_CHARS] = '\0';
}

static bool is_base64(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!text[i] || !strchr(letters, text[i]))
			return false;
	return true;
}

// The other way, if it is 32 bytes. Of all texts for them there is one: bits that are left over are zeros.
static bool decode(const char *text, size_t size, uint8_t *ret)
{
	unsigned int held = 0, bits = 0;
	size_t done = 0;

	if (size != KEY_CHARS || !is_base64(text, size))
		return false;
	for (size_t i = 0; i < size; i++) {
		held = (held << 6 | (unsigned int)(strchr(letters, text[i]) - letters)) & 0x3fff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			ret[done++] = (uint8_t)(held >> bits);
		}
	}
	return (held & ((1u << bits) - 1)) == 0;
}

char *age_header_start(const struct age_stanza *stanzas, size_t count, size_t *size_ret)
{
	size_t room = sizeof(version) + count * STANZA_CHARS + sizeof("--- \n") + KEY_CHARS;
	char *text = malloc(room);
	size_t size;

	if (!text)
		return NULL;
	size = (size_t)snprintf(text, room, "%s", version);
	for (size_t i = 0; i < count; i++) {
		char share[KEY_CHARS + 1], body[KEY_CHARS + 1];

		encode(stanzas[i].share, share);
		encode(stanzas[i].body, body);
		size += (size_t)snprintf(text + size, room - size, "-> X25519 %s\n%s\n", share, body);
	}
	size += (size_t)snprintf(text + size, room - size, "---");
	*size_ret = size;
	return text;
}

void age_header_end(char *text, size_t *size_bytes, const uint8_t mac[static AGE_MAC_BYTES])
{
	char code[KEY_CHARS + 1];

	encode(mac, code);
	*size_bytes += (size_t)sprintf(text + *size_bytes, " %s\n", code);
}

// A header that is being read.
struct parser {
	const char *at, *end;
	unsigned int line;
	struct age_header *header;
};

static struct error *wrong(const struct parser *parser, const char *what)
{
	return error_new(ERROR_BAD_DATA, "line %u of the age header: %s", parser->line, what);
}

// The next line, without its end; NULL: there is no end.
static const char *take_line(struct parser *parser, size_t *size_ret)
{
	const char *start = parser->at;
	const char *stop = start < parser->end ? memchr(start, '\n', (size_t)(parser->end - start)) : NULL;

	if (!stop)
		return NULL;
	parser->line++;
	parser->at = stop + 1;
	*size_ret = (size_t)(stop - start);
	return start;
}

// Words of printable characters with one blank between them.
static bool is_arguments(const char *text, size_t size)
{
	char before = ' ';

	for (size_t i = 0; i < size; before = text[i++])
		if (text[i] < ' ' || text[i] > '~' || (text[i] == ' ' && before == ' '))
			return false;
	return size && before != ' ';
}

// The lines of a body: what it decodes to if it is that of a file key, else only its form is looked at.
static struct error *take_body(struct parser *parser, uint8_t *body, bool *is_key_ret)
{
	size_t size, lines = 0;

	do {
		const char *text = take_line(parser, &size);

		if (!text)
			return wrong(parser, "the file ends behind it");
		if (size > BODY_COLUMNS || !is_base64(text, size) || size % 4 == 1)
			return wrong(parser, "it is no base64 of at most 64 characters");
		*is_key_ret = ++lines == 1 && decode(text, size, body);
	} while (size == BODY_COLUMNS);
	return NULL;
}

static struct error *take_stanza(struct parser *parser, const char *words, size_t size)
{
	static const char type[] = "X25519 ";
	struct age_header *header = parser->header;
	bool is_known = size >= strlen(type) - 1 && memcmp(words, type, strlen(type) - 1) == 0 &&
	                (size == strlen(type) - 1 || words[strlen(type) - 1] == ' ');
	struct age_stanza stanza = {.share = {0}}, *grown;
	bool is_key = false;
	struct error *err;

	if (!is_arguments(words, size))
		return wrong(parser, "words are not as they must be");
	if (is_known && (size < strlen(type) || !decode(words + strlen(type), size - strlen(type), stanza.share)))
		return wrong(parser, "the share of the key is not as it must be");
	err = take_body(parser, stanza.body, &is_key);
	if (!err && is_known && !is_key)
		err = wrong(parser, "it is no file key");
	if (err || !is_known) {
		header->other_count += !err;
		return err;
	}
	grown = reallocarray(header->stanzas, header->count + 1, sizeof(*grown));
	if (!grown)
		return error_new(ERROR_NOMEM, "no memory for a header");
	header->stanzas = grown;
	header->stanzas[header->count++] = stanza;
	return NULL;
}

static struct error *parse(struct parser *parser, const char *text)
{
	struct age_header *header = parser->header;

	for (;;) {
		size_t size = 0;
		const char *line = take_line(parser, &size);
		struct error *err;

		if (!line)
			return wrong(parser, "the header does not end behind it");
		if (size >= 3 && memcmp(line, "---", 3) == 0) {
			if (size < 4 || line[3] != ' ' || !decode(line + 4, size - 4, header->mac))
				return wrong(parser, "the authentication code is not as it must be");
			if (!header->count && !header->other_count)
				return wrong(parser, "there is no recipient before it");
			header->signed_bytes = (size_t)(line + 3 - text);
			header->size_bytes = (size_t)(parser->at - text);
			return NULL;
		}
		if (size < 3 || memcmp(line, "-> ", 3) != 0)
			return wrong(parser, "it is neither a recipient nor the end");
		err = take_stanza(parser, line + 3, size - 3);
		if (err)
			return err;
	}
}

struct error *age_header_parse(const char *text, size_t size_bytes, struct age_header *ret)
{
	size_t known = strlen(version);
	struct age_header header = {0};
	struct parser parser = {.at = text + known, .line = 1, .header = &header};
	struct error *err;

	if (size_bytes < known || memcmp(text, version, known) != 0)
		return error_new(ERROR_UNSUPPORTED, "not an age file of version 1");
	parser.end = text + (size_bytes < AGE_HEADER_MAX_BYTES ? size_bytes : AGE_HEADER_MAX_BYTES);
	err = parse(&parser, text);
	if (err) {
		age_header_deinit(&header);
		return err;
	}
	*ret = header;
	return NULL;
}

void age_header_deinit(struct age_header *header)
{
	free(header->stanzas);
	*header = (struct age_header){0};
}
