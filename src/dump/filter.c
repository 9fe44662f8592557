// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/filter.h"

bool filter_drops(enum page_class class, unsigned int dump_level)
{
	switch (class) {
	case PAGE_KERNEL:
		return false;
	case PAGE_FREE:
		return dump_level & FILTER_FREE;
	case PAGE_CACHE:
		return dump_level & (FILTER_CACHE | FILTER_CACHE_PRIVATE);
	case PAGE_CACHE_PRIVATE:
		return dump_level & FILTER_CACHE_PRIVATE;
	case PAGE_USER:
		return dump_level & FILTER_USER;
	case PAGE_OFFLINE:
		return true;
	case PAGE_CLASS_COUNT:
		break;
	}
	return false;
}

const char *filter_class_name(enum page_class class)
{
	switch (class) {
	case PAGE_KERNEL:
		return "kernel";
	case PAGE_FREE:
		return "free";
	case PAGE_CACHE:
		return "cache";
	case PAGE_CACHE_PRIVATE:
		return "private cache";
	case PAGE_USER:
		return "user";
	case PAGE_OFFLINE:
		return "offline";
	case PAGE_CLASS_COUNT:
		break;
	}
	return "unknown";
}
