// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/send_link.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "boot/text.h"

// More than any secrets are.
enum { SECRETS_BYTES = 64 * 1024 };

static void url_cleanupp(CURLU **url)
{
	curl_url_cleanup(*url);
}

void send_settings_deinit(struct send_settings *settings)
{
	free(settings->user);
	free(settings->password);
	free(settings->token);
	curl_slist_free_all(settings->resolve);
}

// A line "KEY=VALUE"; its value is never part of a message.
static struct error *read_line(struct send_settings *settings, const char *path, const char *line, size_t size)
{
	static const char *const names[] = {"user", "password", "token"};
	char **values[] = {&settings->user, &settings->password, &settings->token};
	const char *equals = memchr(line, '=', size);

	for (size_t i = 0; equals && i < array_size(names); i++) {
		size_t name_bytes = (size_t)(equals - line);

		if (strlen(names[i]) != name_bytes || memcmp(line, names[i], name_bytes) != 0)
			continue;
		free(*values[i]);
		*values[i] = strndup(equals + 1, size - name_bytes - 1);
		return *values[i] ? NULL : error_new(ERROR_NOMEM, "no memory for secrets");
	}
	return error_new(ERROR_CONFIG, "%s: a line is not user=..., password=... or token=...", path);
}

struct error *send_settings_read(struct send_settings *settings, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_free_ char *content = NULL;
	struct error *err;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_os(errno, "%s", path);
	if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)))
		return error_new(ERROR_CONFIG, "%s: must be a file that nobody but its owner can read (mode 0600)",
		                 path);
	err = io_read_all(fd, SECRETS_BYTES, &content, NULL);
	if (err)
		return error_wrap(err, "%s", path);
	for (const char *line = content; !err && *line;) {
		size_t size = strcspn(line, "\n");

		if (size && line[0] != '#')
			err = read_line(settings, path, line, size);
		line += size + (line[size] == '\n');
	}
	explicit_bzero(content, strlen(content));
	return err;
}

static char *url_part(CURLU *url, CURLUPart part, unsigned int flags)
{
	char *text = NULL, *copy = NULL;

	if (curl_url_get(url, part, &text, flags) == CURLUE_OK)
		copy = strdup(text);
	curl_free(text);
	return copy;
}

static struct error *check_url(const struct send_link *link, CURLU *url)
{
	static const CURLUPart unwanted[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT};
	const struct send_settings *settings = link->settings;
	bool is_http = strncmp(link->scheme, "http", 4) == 0;

	for (size_t i = 0; i < array_size(unwanted); i++) {
		_cleanup_free_ char *part = url_part(url, unwanted[i], 0);

		if (part)
			return error_new(ERROR_USAGE,
			                 "the URL must not have a user, a password, a query or a fragment");
	}
	for (const char *c = link->base; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return error_new(ERROR_USAGE, "the URL has control characters");
	if (settings->is_s3 && (!is_http || !settings->user || !settings->password))
		return error_new(ERROR_USAGE,
		                 "--s3: needs a URL of http or https, and --secrets with user and password");
	if (!settings->is_s3 && settings->password && strcmp(link->scheme, "http") == 0)
		return error_new(ERROR_USAGE, "a password is not sent in clear: the URL must begin with https://");
	return NULL;
}

static struct error *understand(struct send_link *link, CURLU *url)
{
	_cleanup_free_ char *host = url_part(url, CURLUPART_HOST, 0);
	_cleanup_free_ char *port = url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	_cleanup_free_ char *path = url_part(url, CURLUPART_PATH, CURLU_URLDECODE);
	size_t size;

	link->scheme = url_part(url, CURLUPART_SCHEME, 0);
	if (!host || !port || !path || !link->scheme)
		return error_new(ERROR_USAGE, "the URL has no host, or a path that cannot be used");
	size = strlen(path);
	while (size > 1 && path[size - 1] == '/')
		path[--size] = '\0';
	link->base = strdup(path + 1);
	if (asprintf(&link->origin, "%s://%s:%s", link->scheme, host, port) < 0)
		link->origin = NULL;
	if (link->settings->is_s3 && asprintf(&link->signer, "aws:amz:%s:s3", link->settings->region) < 0)
		link->signer = NULL;
	link->multi = curl_multi_init();
	if (!link->base || !link->origin || !link->multi || (link->settings->is_s3 && !link->signer))
		return error_new(ERROR_NOMEM, "no memory for a URL");
	return check_url(link, url);
}

struct error *send_link_open(struct send_link *link, const struct send_settings *settings)
{
	_cleanup_(url_cleanupp) CURLU *url = curl_url();
	struct error *err;
	CURLUcode code;

	*link = (struct send_link){.settings = settings};
	if (!url)
		return error_new(ERROR_NOMEM, "no memory for a URL");
	// A URL that cannot be understood may hold a password anywhere: it is not part of the message.
	code = curl_url_set(url, CURLUPART_URL, settings->url, CURLU_PATH_AS_IS);
	if (code != CURLUE_OK)
		return error_new(ERROR_USAGE, "the URL: %s", curl_url_strerror(code));
	err = understand(link, url);
	if (err)
		return err;
	if (settings->is_s3)
		link->ops = &send_s3_ops;
	else if (strcmp(link->scheme, "http") == 0 || strcmp(link->scheme, "https") == 0)
		link->ops = &send_http_ops;
	else if (strcmp(link->scheme, "ftp") == 0 || strcmp(link->scheme, "ftps") == 0)
		link->ops = &send_ftp_ops;
	else
		return error_new(ERROR_USAGE, "the URL must begin with http://, https://, ftp:// or ftps://");
	return NULL;
}

void send_link_close(struct send_link *link)
{
	curl_multi_cleanup(link->multi);
	free(link->scheme);
	free(link->origin);
	free(link->base);
	free(link->signer);
}

static void escape(struct text *text, const char *path)
{
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";

	for (; *path; path++)
		text_add(text, strchr(unreserved, *path) ? "%c" : "%%%02X", (unsigned char)*path);
}

char *send_link_url(const struct send_link *link, const char *path, const char *query)
{
	_cleanup_text_ struct text text = {0};
	struct error *err;
	char *url = NULL;

	text_add(&text, "%s/", link->origin);
	if (path) {
		escape(&text, link->base);
		text_add(&text, "%s", *link->base && *path ? "/" : "");
		escape(&text, path);
	}
	text_add(&text, "%s%s", query ? "?" : "", query ? query : "");
	err = text_take(&text, &url);
	error_free(err);
	return url;
}

char *send_link_path(const struct send_link *link, const char *path)
{
	char *whole;

	return asprintf(&whole, "%s%s%s", link->base, *link->base ? "/" : "", path) < 0 ? NULL : whole;
}

static void blot(char *text, const char *secret)
{
	size_t size = secret ? strlen(secret) : 0;

	// Some servers begin what they say with a capital letter.
	for (char *found = text; size && (found = strcasestr(found, secret)); found += size)
		memset(found, '*', size);
}

void send_link_scrub(const struct send_link *link, char *text)
{
	blot(text, link->settings->password);
	blot(text, link->settings->token);
	if (link->settings->is_s3)
		blot(text, link->settings->user);
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f)
			*text = '?';
}

void send_link_note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("kdump-send: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
}
