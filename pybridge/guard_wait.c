//go:build python

/* The part of the guard that keeps foreign code from reaping Go's children. */

#define _GNU_SOURCE
#include "guarded.h"

#include <sys/wait.h>

/* Only children made by the calling thread. Python's thread makes none of
 * Go's and Go's threads make none of Python's. */
#ifndef __WNOTHREAD
#define __WNOTHREAD 0x20000000
#endif

static atomic_int waits;

REAL(waitpid)
REAL(wait4)
REAL(waitid)

void wait_ready(void) { real_waitpid(), real_wait4(), real_waitid(); }

int narrowed_waits(void) { return atomic_load(&waits); }

/* Options for a wait: narrowed when a foreign caller waits for any child. */
static int narrowed(int any, int options, void *caller)
{
	if (!any || guarding(caller) != GUARD_DAEMON)
		return options;
	atomic_fetch_add(&waits, 1);
	return options | __WNOTHREAD;
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	return real_waitpid()(pid, status, narrowed(pid <= 0, options, CALLER));
}

pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	return real_wait4()(pid, status, narrowed(pid <= 0, options, CALLER), usage);
}

pid_t wait3(int *status, int options, struct rusage *usage)
{
	return real_wait4()(-1, status, narrowed(1, options, CALLER), usage);
}

pid_t wait(int *status)
{
	return real_wait4()(-1, status, narrowed(1, 0, CALLER), NULL);
}

int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	int any = type == P_ALL || type == P_PGID;
	return real_waitid()(type, id, info, narrowed(any, options, CALLER));
}
