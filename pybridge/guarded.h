/* What the parts of the guard share; see guard.c. Hidden, since everything
 * else in this executable is visible to all libraries. */
#ifndef FTD_GUARDED_H
#define FTD_GUARDED_H

#include "guard.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#define CALLER __builtin_return_address(0)

/* What comes after us in the search order: the C library's. */
#define REAL(name)                                                             \
	static __typeof__(name) *real_##name(void)                             \
	{                                                                      \
		static _Atomic(uintptr_t) found;                               \
		uintptr_t f = atomic_load(&found);                             \
		if (!f) {                                                      \
			f = (uintptr_t)dlsym(RTLD_NEXT, #name);                \
			atomic_store(&found, f);                               \
		}                                                              \
		return (__typeof__(name) *)f;                                  \
	}

#pragma GCC visibility push(hidden)

extern pid_t home; /* the process that is guarded */

/* The mode that applies to this caller. */
int guarding(void *caller);

int is_go(const struct sigaction *act);

/* guard_end.c: looks functions up, since a signal handler must not be the
 * first to ask; and how many signals were held back. */
void end_ready(int notify);
int held_back(void);

/* guard_wait.c */
void wait_ready(void);
int narrowed_waits(void);

#pragma GCC visibility pop

#endif
