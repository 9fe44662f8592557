// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/text.h"

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for the parts of a dump");
}

static void part_deinit(struct ctl_part *part)
{
	free(part->dump);
	free(part->shown);
	dumps_deinit(&part->about);
}

static struct error *add(struct ctl_parts *parts, const struct ctl_place *place, const char *name)
{
	struct ctl_part part = {.number = 0}, *grown;
	size_t size = dumps_part_size(name, &part.number), path_size = strlen(place->shown);
	struct error *err = dumps_look(place->fd, name, &part.about);

	part.dump = strndup(name, size);
	if (asprintf(&part.shown, "%s%s%s", place->shown, path_size && place->shown[path_size - 1] == '/' ? "" : "/",
	             name) < 0)
		part.shown = NULL;
	grown = err ? NULL : reallocarray(parts->list, parts->count + 1, sizeof(*grown));
	if (!err && (!part.dump || !part.shown || !grown))
		err = no_memory();
	if (grown)
		parts->list = grown;
	if (err)
		part_deinit(&part);
	else
		parts->list[parts->count++] = part;
	return err;
}

struct error *ctl_parts_add(struct ctl_parts *parts, const struct ctl_place *place)
{
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err = dumps_list_parts(place->fd, &names);

	for (char **name = names; !err && *name; name++)
		err = add(parts, place, *name);
	return err;
}

static const struct ctl_part *find(const struct ctl_parts *parts, const char *dump, unsigned int number)
{
	for (size_t i = 0; i < parts->count; i++)
		if (parts->list[i].number == number && strcmp(parts->list[i].dump, dump) == 0)
			return &parts->list[i];
	return NULL;
}

static void describe_missing(const struct ctl_place *place, const char *name, unsigned int number,
                             const struct dumps_about *about, struct text *text)
{
	_cleanup_free_ char *where = dumps_part_place(place->fd, name, number);

	text_add(text, "%spart %u of %u is missing%s%s", text->buf ? "; " : "", number, about->part_count,
	         where ? ", which was put " : "", where ? where : "");
}

struct error *ctl_parts_judge(const struct ctl_parts *parts, const struct ctl_place *place, const char *name,
                              struct dumps_about *about)
{
	_cleanup_free_ char *dump =
		strndup(name, strlen(name) - (about->state == DUMPS_INCOMPLETE ? strlen(".incomplete") : 0));
	_cleanup_text_ struct text text = {0};
	char *problem = NULL;
	struct error *err;

	if (about->problem)
		text_add(&text, "%s", about->problem);
	for (unsigned int number = 2; dump && number <= about->part_count; number++) {
		const struct ctl_part *part = find(parts, dump, number);
		bool is_fine = part && (part->about.state == DUMPS_WHOLE || part->about.state == DUMPS_UNCHECKED);

		if (is_fine)
			continue;
		if (part)
			text_add(&text, "%spart %u is %s: %s", text.buf ? "; " : "", number,
			         dumps_state_name(part->about.state), part->about.problem);
		else
			describe_missing(place, name, number, about, &text);
		if (about->state != DUMPS_INCOMPLETE)
			about->state = DUMPS_DAMAGED;
	}
	if (!dump || text.is_failed)
		return no_memory();
	if (!text.buf)
		return NULL;
	err = text_take(&text, &problem);
	if (err)
		return err;
	free(about->problem);
	about->problem = problem;
	return NULL;
}

void ctl_parts_print(const struct ctl_parts *parts, const char *dump)
{
	for (size_t i = 0; i < parts->count; i++) {
		const struct ctl_part *part = &parts->list[i];

		if (strcmp(part->dump, dump) == 0)
			printf("  part %u: %s: %s, %.1f MiB\n", part->number, part->shown,
			       dumps_state_name(part->about.state), (double)part->about.size_bytes / 1024 / 1024);
	}
}

void ctl_parts_write(const struct ctl_parts *parts, const char *dump, struct json *json)
{
	json_open_array(json, "parts");
	for (size_t i = 0; i < parts->count; i++) {
		const struct ctl_part *part = &parts->list[i];

		if (strcmp(part->dump, dump) != 0)
			continue;
		json_open_object(json, NULL);
		json_number(json, "number", part->number);
		json_text(json, "path", part->shown);
		json_text(json, "state", dumps_state_name(part->about.state));
		json_number(json, "size_bytes", part->about.size_bytes);
		json_text(json, "problem", part->about.problem);
		json_close(json);
	}
	json_close(json);
}

void ctl_parts_deinit(struct ctl_parts *parts)
{
	for (size_t i = 0; i < parts->count; i++)
		part_deinit(&parts->list[i]);
	free(parts->list);
	*parts = (struct ctl_parts){0};
}
