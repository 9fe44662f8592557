// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/planner.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void planner_deinit(struct planner *planner)
{
	free(planner->place);
	stack_deinit(&planner->stack);
	words_deinit(&planner->servers);
	words_deinit(&planner->target_files);
	words_deinit(&planner->sessions);
	words_deinit(&planner->volumes);
	words_deinit(&planner->secrets);
}

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for the plan");
}

struct error *planner_explain(struct planner *planner, const char *key, const char *fmt, ...)
{
	struct plan *plan = planner->plan;
	struct plan_reason *grown = realloc(plan->reasons, (plan->reason_count + 1) * sizeof(*grown));
	struct plan_reason reason = {.key = strdup(key)};
	va_list args;
	int size;

	if (grown)
		plan->reasons = grown;
	va_start(args, fmt);
	size = vasprintf(&reason.reason, fmt, args);
	va_end(args);
	if (!grown || !reason.key || size < 0) {
		free(reason.key);
		if (size >= 0)
			free(reason.reason);
		return no_memory();
	}
	grown[plan->reason_count++] = reason;
	return NULL;
}

struct error *planner_explain_key(struct planner *planner, const char *plan_key, enum config_key key)
{
	return planner_explain(planner, plan_key, "%s: %s", config_where(planner->config, key),
	                       config_key_info(key)->name);
}
