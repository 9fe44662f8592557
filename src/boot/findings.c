// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void findings_add(struct findings *findings, enum finding_severity severity, const char *name, const char *fmt, ...)
{
	struct finding *list = realloc(findings->list, (findings->count + 1) * sizeof(*list));
	char *text = NULL;
	va_list args;

	if (list)
		findings->list = list;
	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	if (!list || !text) {
		free(text);
		findings->is_failed = true;
		return;
	}
	list[findings->count++] = (struct finding){name, severity, text};
}

void findings_deinit(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		free(findings->list[i].text);
	free(findings->list);
	*findings = (struct findings){0};
}
