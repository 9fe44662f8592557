// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_mail.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "boot/text.h"
#include "boot/words.h"

#ifdef HAVE_LIBCURL

#include <curl/curl.h>

static void easy_cleanupp(CURL **curl)
{
	curl_easy_cleanup(*curl);
}

static void slist_freep(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

// Separated by blanks or commas.
static struct error *split(const struct config *config, enum config_key key, struct words *receivers)
{
	_cleanup_free_ char *copy = strdup(config_text(config, key));
	size_t first = receivers->count;

	for (char *c = copy; c && *c; c++)
		if (*c == ',')
			*c = ' ';
	words_split(receivers, copy ? copy : "");
	for (size_t i = first; i < receivers->count; i++)
		if (strpbrk(receivers->list[i], "<>\"\r\n;"))
			return error_new(ERROR_CONFIG, "%s: %s: %s is no address", config_where(config, key),
			                 config_key_info(key)->name, receivers->list[i]);
	return copy ? words_check(receivers) : error_new(ERROR_NOMEM, "no memory for a mail");
}

static void add_receivers(struct text *text, const char *header, const struct words *words, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		text_add(text, "%s%s", i == first ? header : ", ", words->list[i]);
	text_add(text, "%s", first < end ? "\r\n" : "");
}

static struct error *compose(const char *hostname, const char *subject, const char *body, const struct words *receivers,
                             size_t cc, char **ret)
{
	_cleanup_text_ struct text text = {0};
	time_t now = time(NULL);
	struct tm utc = {0};
	char date[64];

	gmtime_r(&now, &utc);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &utc);
	text_add(&text, "Date: %s\r\nFrom: kdump <root@%s>\r\n", date, hostname);
	add_receivers(&text, "To: ", receivers, 0, cc);
	add_receivers(&text, "Cc: ", receivers, cc, receivers->count);
	text_add(&text,
	         "Subject: %s\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
	         "Content-Type: text/plain; charset=us-ascii\r\n\r\n",
	         subject);
	for (const char *line = body; *line;) {
		int size = (int)strcspn(line, "\n");

		text_add(&text, "%.*s\r\n", size, line);
		line += size + (line[size] == '\n');
	}
	return text_take(&text, ret);
}

static struct error *server_url(const struct config *config, char **ret)
{
	const char *server = config_text(config, KEY_SMTP_SERVER), *scheme = strstr(server, "://");
	bool is_known = !scheme || strncmp(server, "smtp://", 7) == 0 || strncmp(server, "smtps://", 8) == 0;

	// Who logs in is in other keys, which want encryption.
	if (!*server || !is_known || strchr(server, '@'))
		return error_new(ERROR_CONFIG, "%s: KDUMP_SMTP_SERVER: %s", config_where(config, KEY_SMTP_SERVER),
		                 *server ? "must be HOST, HOST:PORT, smtp://HOST or smtps://HOST"
		                         : "is empty, but KDUMP_NOTIFICATION_TO or _CC is not");
	if (asprintf(ret, "%s%s", scheme ? "" : "smtp://", server) < 0) {
		*ret = NULL;
		return error_new(ERROR_NOMEM, "no memory for a mail");
	}
	return NULL;
}

static void set_login(const struct config *config, CURL *curl)
{
	const char *user = config_text(config, KEY_SMTP_USER);

	if (*user) {
		curl_easy_setopt(curl, CURLOPT_USERNAME, user);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, config_text(config, KEY_SMTP_PASSWORD));
		curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
		return;
	}
	// As mail servers among themselves do: whoever can listen learns nothing, whoever can do more is not kept out.
	curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)CURLUSESSL_TRY);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
}

static struct error *deliver(const struct config *config, const char *url, const char *from,
                             const struct curl_slist *receivers, const char *mail)
{
	_cleanup_(easy_cleanupp) CURL *curl = curl_easy_init();
	_cleanup_fclose_ FILE *stream = fmemopen((char *)mail, strlen(mail), "r");
	char text[CURL_ERROR_SIZE] = "";
	CURLcode code;

	if (!curl || !stream)
		return error_new(ERROR_NOMEM, "no memory for a mail");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)config_number(config, KEY_SMTP_TIMEOUT));
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, text);
	curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from);
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, receivers);
	// One that is refused costs nobody else the mail; that all are is an error.
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_READDATA, stream);
	set_login(config, curl);
	code = curl_easy_perform(curl);
	if (code == CURLE_OK)
		return NULL;
	return error_new(code == CURLE_OPERATION_TIMEDOUT ? ERROR_TIMEOUT : ERROR_OS,
	                 "%s: KDUMP_SMTP_SERVER: the mail was not sent: %s", config_where(config, KEY_SMTP_SERVER),
	                 *text ? text : curl_easy_strerror(code));
}

struct error *ctl_mail(const struct config *config, const char *hostname, const char *subject, const char *body)
{
	_cleanup_words_ struct words receivers = {0};
	_cleanup_(slist_freep) struct curl_slist *envelope = NULL;
	_cleanup_free_ char *url = NULL, *mail = NULL, *from = NULL;
	struct error *err = split(config, KEY_NOTIFICATION_TO, &receivers);
	size_t cc = receivers.count;

	if (!err)
		err = split(config, KEY_NOTIFICATION_CC, &receivers);
	if (err || !receivers.count)
		return err;
	err = server_url(config, &url);
	if (!err)
		err = compose(hostname, subject, body, &receivers, cc, &mail);
	for (size_t i = 0; i < receivers.count && !err; i++) {
		struct curl_slist *longer = curl_slist_append(envelope, receivers.list[i]);

		if (longer)
			envelope = longer;
		else
			err = error_new(ERROR_NOMEM, "no memory for a mail");
	}
	if (!err && asprintf(&from, "root@%s", hostname) < 0) {
		from = NULL;
		err = error_new(ERROR_NOMEM, "no memory for a mail");
	}
	return err ? err : deliver(config, url, from, envelope, mail);
}

#else

struct error *ctl_mail(const struct config *config, const char *hostname, const char *subject, const char *body)
{
	(void)hostname;
	(void)subject;
	(void)body;
	if (!*config_text(config, KEY_NOTIFICATION_TO) && !*config_text(config, KEY_NOTIFICATION_CC))
		return NULL;
	return error_new(ERROR_UNSUPPORTED,
	                 "%s: KDUMP_NOTIFICATION_TO: kdumpctl was built without libcurl, which sends mail",
	                 config_where(config, KEY_NOTIFICATION_TO));
}

#endif
